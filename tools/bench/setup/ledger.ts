import { repositoryRoot } from '@throughline/local-stack';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { untilReady } from './worker.ts';

const MAIN = join(repositoryRoot, 'apps/outcome-ledger/dist/main.js');

export interface LedgerOptions {
  /** Of topics. */
  readonly prefix: string;
  /** Of the schema: `<schemaPrefix>outcome_ledger`. */
  readonly schemaPrefix: string;
  readonly databaseUrl: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
}

export const ledgerSchema = (schemaPrefix: string): string => `${schemaPrefix}outcome_ledger`;

/** Starts the built ledger as users run it and waits until it says that it is ready. */
export async function startLedger(bench: Bench, { prefix, schemaPrefix, databaseUrl, port, env = {} }: LedgerOptions): Promise<ChildProcess> {
  const logFile = join(bench.home, `ledger-${schemaPrefix}.log`);
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', log, log],
    env: {
      ...process.env, KAFKA_BROKERS: bench.broker.brokers, KAFKA_TOPIC_PREFIX: prefix, DATABASE_URL: databaseUrl, DATABASE_SCHEMA_PREFIX: schemaPrefix,
      THROUGHLINE_HOME: bench.home, PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', ...env,
    },
  });
  closeSync(log);
  await untilReady(child, `http://127.0.0.1:${port}/health/ready`, logFile);
  return child;
}
