import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBus, type Bus } from '@throughline/bus';
import type { EventData } from '@throughline/contracts';
import { startService, type RunningService } from '@throughline/http';
import { logisticRegressionGraph } from '@throughline/onnx';
import pg from 'pg';
import { afterAll } from 'vitest';
import { readSettings, type RegistrySettings } from '../config.js';
import { modelRegistry } from '../service.js';

type Deployment = EventData<'model.deployment.v1'>;

export interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

/** An installation of its own (topics, schema, folder) on the run's Kafka and PostgreSQL. */
export class Installation {
  private constructor(readonly env: Record<string, string>, readonly home: string, readonly bus: Bus) {}

  static async create(more: Record<string, string> = {}): Promise<Installation> {
    const id = randomBytes(4).toString('hex');
    const home = await mkdtemp(join(tmpdir(), 'throughline-registry-'));
    const env = {
      KAFKA_BROKERS: process.env['KAFKA_BROKERS']!, DATABASE_URL: process.env['DATABASE_URL']!, KAFKA_TOPIC_PREFIX: `registry-${id}.`,
      DATABASE_SCHEMA_PREFIX: `r${id}_`, THROUGHLINE_HOME: home, PORT: '0', LOG_LEVEL: 'silent', ...more,
    };
    const bus = createBus(readSettings(env), { clientId: 'test' });
    await bus.admin.createTopics();
    return new Installation(env, home, bus);
  }

  get settings(): RegistrySettings {
    return readSettings(this.env);
  }

  start(): Promise<RunningService> {
    return startService(modelRegistry(this.settings));
  }

  /** Deployment events from the beginning, as they come, until `enough`. */
  async deploymentEvents(enough: (events: readonly Deployment[]) => boolean): Promise<Deployment[]> {
    const events: Deployment[] = [];
    let done: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => { done = resolve; });
    const follow = await this.bus.follow({
      topic: 'model.deployment.v1',
      onEvent: ({ data }) => {
        events.push(data);
        if (enough(events)) done();
      },
    });
    await finished;
    await follow.stop();
    return events;
  }

  /** Runs a statement in the service's schema, past the service. */
  async sql(text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.env['DATABASE_URL']!, options: `-c search_path=${this.env['DATABASE_SCHEMA_PREFIX']}model_registry` });
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.bus.close();
    await this.sql(`DROP SCHEMA IF EXISTS "${this.env['DATABASE_SCHEMA_PREFIX']}model_registry" CASCADE`);
    await rm(this.home, { recursive: true, force: true });
  }
}

/** A registry for one spec file, on an installation of its own, from here on until its last test. */
export async function runRegistry(env?: Record<string, string>): Promise<{ installation: Installation; service: RunningService; registry: Client }> {
  const installation = await Installation.create(env);
  const service = await installation.start();
  afterAll(async () => {
    await service.close();
    await installation.remove();
  });
  return { installation, service, registry: new Client(service.url) };
}

export const FEATURES = ['distance', 'hour'];
/** What every version must say of its making before it serves. */
export const LINEAGE = { dataset: { snapshotId: 'test-1', sha256: '0'.repeat(64) }, codeCommit: '4f2a9c1', metrics: { auc: 0.6 } };
export const METADATA = { features: FEATURES.map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification', trainer: 'test', ...LINEAGE };

/** A small valid model; another `bias` makes other bytes. */
export const graph = (bias = 0): Uint8Array => logisticRegressionGraph({ weights: [0.5, -0.25], bias, mean: [0, 0], scale: [1, 1], featureNames: FEATURES });

export const sklearnFixture = (name: string): Promise<Buffer> => readFile(new URL(`../../../../libs/onnx/fixtures/${name}.onnx`, import.meta.url));

export interface UploadParts {
  readonly artifact?: Uint8Array | undefined;
  readonly metadata?: unknown;
  readonly reference?: string | Uint8Array;
  /** As openssl writes it, or base64. */
  readonly signature?: string | Uint8Array | undefined;
}

export class Client {
  constructor(private readonly url: string) {}

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const json = body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return answer(await fetch(`${this.url}/registry/v1${path}`, { method, ...json }));
  }

  get = (path: string): Promise<Answer> => this.call('GET', path);
  put = (path: string, body: unknown): Promise<Answer> => this.call('PUT', path, body);

  async upload(model: string, { artifact = graph(), metadata = METADATA, reference, signature }: UploadParts = {}): Promise<Answer> {
    const form = new FormData();
    form.set('artifact', new Blob([artifact as Uint8Array<ArrayBuffer>]), 'model.onnx');
    form.set('metadata', typeof metadata === 'string' ? metadata : JSON.stringify(metadata));
    if (reference !== undefined) form.set('reference', new Blob([reference as string]), 'reference');
    if (signature !== undefined) form.set('signature', typeof signature === 'string' ? signature : new Blob([signature as Uint8Array<ArrayBuffer>]));
    return this.send(model, form);
  }

  async send(model: string, form: FormData): Promise<Answer> {
    return answer(await fetch(`${this.url}/registry/v1/models/${model}/versions`, { method: 'POST', body: form }));
  }
}

async function answer(response: Response): Promise<Answer> {
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
}
