import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBus, type Bus } from '@throughline/bus/client';
import { freePort, repositoryRoot } from '@throughline/local-stack';
import { commonSettings, parseSettings } from '@throughline/settings';
import { newInstallation, spawnService, type SpawnedService } from '@throughline/testing';

const SERVICES = ['inference-worker', 'model-registry', 'outcome-ledger', 'retraining-coordinator', 'feature-store'] as const;
type Service = (typeof SERVICES)[number];

/** The command, as npm links it. */
export const COMMAND = join(repositoryRoot, 'apps/cli/bin/throughline.js');

export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Launched {
  readonly child: ChildProcess;
  /** What it has written to its standard error so far. */
  readonly err: () => string;
  readonly finished: Promise<Finished>;
}

/** Real services as processes of their own, on the Kafka and PostgreSQL of the test run, and the command as a person runs it. */
export interface Installation {
  readonly env: NodeJS.ProcessEnv;
  readonly bus: Bus;
  readonly folder: string;
  readonly workerUrl: string;
  start(service: Service): Promise<void>;
  stop(service: Service): Promise<void>;
  /** As a machine that loses power would end it; the broker is told that it is gone, which it would find out ten seconds later. */
  kill(service: Service): Promise<void>;
  run(...args: string[]): Promise<Finished>;
  /** The same, while it runs. */
  launch(...args: string[]): Launched;
  close(): Promise<void>;
}

export async function install(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'throughline-cli-'));
  const ports = Object.fromEntries(await Promise.all(SERVICES.map(async (service) => [service, await freePort()] as const))) as Record<Service, number>;
  const urlOf = (service: Service): string => `http://127.0.0.1:${ports[service]}`;
  const env = newInstallation({
    THROUGHLINE_HOME: folder, LOG_LEVEL: 'info',
    REGISTRY_URL: urlOf('model-registry'), LEDGER_URL: urlOf('outcome-ledger'), RETRAINING_URL: urlOf('retraining-coordinator'), FEATURE_STORE_URL: urlOf('feature-store'),
  });
  const bus = createBus(parseSettings(commonSettings, env), { clientId: 'test' });
  await bus.admin.createTopics();
  const services = new Map<Service, SpawnedService>();
  const stop = async (service: Service): Promise<void> => {
    await services.get(service)?.end('SIGTERM');
    services.delete(service);
  };
  const launch = (...args: string[]): Launched => {
    const child = spawn(process.execPath, [COMMAND, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err] = [read(child.stdout), read(child.stderr)];
    return { child, err, finished: once(child, 'close').then(([code]) => ({ code: code as number | null, out: out(), err: err() })) };
  };
  return {
    env, bus, folder, stop, workerUrl: urlOf('inference-worker'),
    start: async (service) => {
      services.set(service, await spawnService(service, { ...env, PORT: String(ports[service]) }, { until: 'listening' }));
    },
    kill: async (service) => {
      await services.get(service)?.crash();
      services.delete(service);
    },
    launch,
    run: (...args) => launch(...args).finished,
    close: async () => {
      await Promise.all([...services.keys()].map(stop));
      await bus.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function read(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString();
}
