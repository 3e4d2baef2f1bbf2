import { randomBytes } from 'node:crypto';

export type Env = Record<string, string>;

/** Settings of an installation of its own on the Kafka and PostgreSQL of the test run: topics, groups and schemas that no other test has. */
export function newInstallation(more: Env = {}): Env {
  const name = `t${randomBytes(4).toString('hex')}`;
  return { ...(process.env as Env), KAFKA_TOPIC_PREFIX: `${name}-`, DATABASE_SCHEMA_PREFIX: `${name}_`, LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'warn', ...more };
}
