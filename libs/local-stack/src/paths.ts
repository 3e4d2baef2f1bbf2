import { fileURLToPath } from 'node:url';

/** The checkout: three folders up from both `src` and `dist` of this package. */
export const repositoryRoot = fileURLToPath(new URL('../../../', import.meta.url));
export const kafkaInfraFolder = `${repositoryRoot}infra/kafka/`;
