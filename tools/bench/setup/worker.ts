import { repositoryRoot } from '@throughline/local-stack';
import { commonSettings } from '@throughline/settings';
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from './bench.ts';

export const CLIENTS = ['kafkajs', 'platformatic'] as const;
export type Client = (typeof CLIENTS)[number];

const CLIENT_SETTING = 'KAFKA_CLIENT';

/** Kafka clients that this checkout's services can be told to use. */
export const selectableClients = (): readonly Client[] => (CLIENT_SETTING in commonSettings ? CLIENTS : ['kafkajs']);

const MAIN = join(repositoryRoot, 'apps/inference-worker/dist/main.js');
const READY_WITHIN_MS = 60_000;
/** Two workers of a scenario differ by one. */
export const WORKER_PORT = 3991;

export interface WorkerOptions {
  readonly prefix: string;
  readonly port?: number;
  readonly client?: Client;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the built worker as users run it and waits until it says that it is ready. */
export async function startWorker(bench: Bench, { prefix, port = WORKER_PORT, client = 'kafkajs', env = {} }: WorkerOptions): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env, KAFKA_BROKERS: bench.broker.brokers, KAFKA_TOPIC_PREFIX: prefix, REGISTRY_URL: bench.artifacts.url, THROUGHLINE_HOME: bench.home,
      PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', WORKER_ID: `bench-${port}`, [CLIENT_SETTING]: client, ...env,
    },
  });
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`the worker ended with ${child.exitCode}`);
    const isReady = await fetch(`http://127.0.0.1:${port}/health/ready`).then((response) => response.ok, () => false);
    if (isReady) return child;
    await delay(50);
  }
  child.kill('SIGKILL');
  throw new Error(`the worker was not ready after ${READY_WITHIN_MS / 1000} s`);
}
