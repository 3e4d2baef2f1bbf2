import { repositoryRoot, startPostgres } from '@throughline/local-stack';
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import type { Artifact } from './models.ts';
import { featureNames, MODEL } from './requests.ts';
import { untilReady } from './worker.ts';

const MAIN = join(repositoryRoot, 'apps/model-registry/dist/main.js');

/** The built registry as users run it, on a PostgreSQL of its own that waits for the disk at every commit. */
export class Registry {
  readonly url: string;
  private readonly end: () => Promise<void>;

  private constructor(url: string, end: () => Promise<void>) {
    this.url = url;
    this.end = end;
  }

  static async start(bench: Bench, prefix: string, port: number): Promise<Registry> {
    const home = join(bench.home, 'registry');
    const postgres = await startPostgres({ home, port: 0 });
    try {
      const child = await bench.keep(startProcess(bench, { home, prefix, port, databaseUrl: postgres.url }));
      return new Registry(`http://127.0.0.1:${port}`, async () => {
        await bench.end(child);
        await postgres.stop();
      });
    } catch (error) {
      await postgres.stop();
      throw error;
    }
  }

  /** @returns the version's name */
  async upload({ bytes }: Artifact): Promise<string> {
    const metadata = {
      features: featureNames.map((name) => ({ name, kind: 'numeric' })), task: 'regression', score: { output: 'probability', index: 0 },
      dataset: { snapshotId: 'bench', sha256: '0'.repeat(64) }, codeCommit: '0000000', metrics: { auc: 0.5 },
    };
    const form = new FormData();
    form.set('metadata', JSON.stringify(metadata));
    form.set('artifact', new Blob([bytes as Uint8Array<ArrayBuffer>]), 'model.onnx');
    const { version } = await answered<{ version: string }>(fetch(`${this.url}/registry/v1/models/${MODEL}/versions`, { method: 'POST', body: form }));
    return version;
  }

  promote(version: string): Promise<unknown> {
    return this.write('PUT', 'aliases/champion', { version, author: 'bench' });
  }

  rollBack(): Promise<unknown> {
    return this.write('POST', 'rollback', { author: 'bench', reason: 'benchmark' });
  }

  close(): Promise<void> {
    return this.end();
  }

  private write(method: string, path: string, body: object): Promise<unknown> {
    return answered(fetch(`${this.url}/registry/v1/models/${MODEL}/${path}`, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }));
  }
}

async function startProcess(bench: Bench, { home, prefix, port, databaseUrl }: { home: string; prefix: string; port: number; databaseUrl: string }): Promise<ChildProcess> {
  const logFile = join(bench.home, 'registry.log');
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', log, log],
    env: { ...process.env, KAFKA_BROKERS: bench.broker.brokers, KAFKA_TOPIC_PREFIX: prefix, DATABASE_URL: databaseUrl, THROUGHLINE_HOME: home, PORT: String(port), HOST: '127.0.0.1', LOG_LEVEL: 'warn' },
  });
  closeSync(log);
  await untilReady(child, `http://127.0.0.1:${port}/health/ready`, logFile);
  return child;
}

async function answered<T>(answering: Promise<Response>): Promise<T> {
  const response = await answering;
  if (!response.ok) throw new Error(`the registry answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}
