import { spawnService, type SpawnedService } from '@throughline/testing';

/** The registry as a process of its own. */
export const spawnRegistry = (env: NodeJS.ProcessEnv): Promise<SpawnedService> => spawnService('model-registry', env, { until: 'listening' });
