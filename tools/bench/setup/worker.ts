import { repositoryRoot } from '@throughline/local-stack';
import { commonSettings } from '@throughline/settings';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
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

export interface WorkerOptions {
  readonly prefix: string;
  readonly port?: number;
  readonly client?: Client;
  readonly env?: Readonly<Record<string, string>>;
}

/** Name under which the worker on a port answers. */
export const workerId = (port: number): string => `bench-${port}`;

/** Starts the built worker as users run it and waits until it says that it is ready. */
export async function startWorker(bench: Bench, { prefix, port = bench.ports[0], client = 'kafkajs', env = {} }: WorkerOptions): Promise<ChildProcess> {
  const logFile = join(bench.home, `worker-${port}.log`);
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', log, log],
    env: {
      ...process.env, KAFKA_BROKERS: bench.broker.brokers, KAFKA_TOPIC_PREFIX: prefix, REGISTRY_URL: bench.artifacts.url, THROUGHLINE_HOME: bench.home,
      PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn', WORKER_ID: workerId(port), [CLIENT_SETTING]: client, ...env,
    },
  });
  closeSync(log);
  await untilReady(child, `http://127.0.0.1:${port}/health/ready`, logFile);
  return child;
}

/** @throws Error with the end of its log when the process ends or does not get ready; it is killed then. */
export async function untilReady(child: ChildProcess, url: string, logFile: string): Promise<void> {
  const deadlineMs = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadlineMs && child.exitCode === null) {
    if (await fetch(url).then((response) => response.ok, () => false)) return;
    await delay(50);
  }
  const why = child.exitCode === null ? `was not ready after ${READY_WITHIN_MS / 1000} s` : `ended with ${child.exitCode}`;
  child.kill('SIGKILL');
  throw new Error(`what should answer at ${url} ${why}:\n${readFileSync(logFile, 'utf8').split('\n').slice(-8).join('\n')}`);
}
