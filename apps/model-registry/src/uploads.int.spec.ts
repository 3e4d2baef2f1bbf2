import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { FEATURES, graph, METADATA, runRegistry, sklearnFixture } from './testing/harness.js';

const { installation, service, registry } = await runRegistry();

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const incoming = (): Promise<string[]> => readdir(join(installation.home, 'artifacts', 'incoming'));

describe('an upload', () => {
  it('becomes version 1 with the signature of its graph, and its bytes come back by their hash', async () => {
    const bytes = graph();
    const { status, body } = await registry.upload('flights', { artifact: bytes });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      model: 'flights', version: '1', artifactSha256: sha256(bytes), sizeBytes: bytes.length, hasBaseline: false, metadata: METADATA,
      signature: { inputs: [{ datatype: 'FP32', shape: [-1, 2] }], features: METADATA.features, task: 'binary_classification', score: { index: expect.any(Number) } },
    });
    const response = await fetch(`${service.url}/registry/v1/artifacts/${body.artifactSha256}`);
    expect(response.headers.get('content-length')).toBe(String(bytes.length));
    expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(sha256(bytes));
  });

  it('of the same again is the same version, and of anything else is another', async () => {
    const first = await registry.upload('again');
    const same = await registry.upload('again');
    expect([first.status, same.status]).toEqual([201, 200]);
    expect(same.body).toEqual(first.body);
    const others = [
      await registry.upload('again', { artifact: graph(1) }),
      await registry.upload('again', { metadata: { ...METADATA, metrics: { auc: 0.7 } } }),
    ];
    expect(others.map(({ status, body }) => [status, body.version])).toEqual([[201, '2'], [201, '3']]);
  });

  it('of the same again mends an artifact that was damaged on disk', async () => {
    const bytes = graph(77);
    const { body } = await registry.upload('mended', { artifact: bytes });
    const hash = sha256(bytes);
    await writeFile(join(installation.home, 'artifacts', hash.slice(0, 2), `${hash}.onnx`), 'damaged');
    expect((await registry.upload('mended', { artifact: bytes })).body).toEqual(body);
    const response = await fetch(`${service.url}/registry/v1/artifacts/${hash}`);
    expect(sha256(new Uint8Array(await response.arrayBuffer()))).toBe(hash);
    expect(await incoming()).toEqual([]);
  });

  it('sent ten times at once is one version', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => registry.upload('at-once')));
    expect(answers.map(({ body }) => body.version)).toEqual(Array(10).fill('1'));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect((await registry.get('/models/at-once/versions')).body).toHaveLength(1);
  });

  it('numbers versions without gaps when different ones come at once', async () => {
    const answers = await Promise.all([1, 2, 3, 4, 5].map((bias) => registry.upload('racing', { artifact: graph(bias) })));
    expect(answers.map(({ body }) => Number(body.version)).sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('of a scikit-learn model finds its score among the outputs', async () => {
    const metadata = { features: ['a', 'b', 'c', 'd'].map((name) => ({ name, kind: 'numeric' })), task: 'binary_classification' };
    const { status, body } = await registry.upload('sklearn', { artifact: await sklearnFixture('sklearn-tensor'), metadata });
    expect([status, body.signature?.score]).toEqual([201, { output: 'probabilities', index: 1 }]);
  });

  it('names a parent only if it exists', async () => {
    await registry.upload('family');
    expect(await registry.upload('family', { artifact: graph(2), metadata: { ...METADATA, parentVersion: '1' } })).toMatchObject({ status: 201 });
    expect(await registry.upload('family', { artifact: graph(3), metadata: { ...METADATA, parentVersion: '9' } })).toMatchObject({ status: 404, body: { code: 'unknown_version' } });
  });
});

describe('reading', () => {
  it('lists models with their newest version', async () => {
    await registry.upload('listed');
    await registry.upload('listed', { artifact: graph(5) });
    const { body } = await registry.get('/models');
    expect(body.find(({ name }: { name: string }) => name === 'listed')).toMatchObject({ latestVersion: '2', aliases: {}, revision: 0 });
    expect((await registry.get('/models/listed/versions')).body.map(({ version }: { version: string }) => version)).toEqual(['2', '1']);
    expect((await registry.get('/models/listed/versions/1')).body).toMatchObject({ version: '1', signature: { features: FEATURES.map((name) => ({ name })) } });
  });
  it.each(['/models/nope', '/models/nope/versions', '/models/nope/versions/1', '/models/nope/deployment', `/artifacts/${'0'.repeat(64)}`, '/artifacts/..%2F..%2Fetc%2Fpasswd'])('knows nothing under %s', async (path) =>
    expect(await registry.get(path)).toMatchObject({ status: 404, body: { code: 'not_found' } }));
  it.each(['9', 'latest', '0'])('knows no version %s of a model that exists', async (version) => {
    await registry.upload('one');
    expect(await registry.get(`/models/one/versions/${version}`)).toMatchObject({ status: 404, body: { code: 'unknown_version' } });
  });
  it('says that the database is away when its connection is cut, not that the registry is broken', async () => {
    const reading = await cutOff('models', () => registry.get('/models'));
    expect(reading).toMatchObject({ status: 503, body: { code: 'unavailable', detail: expect.stringContaining('PostgreSQL') } });
    expect((await registry.get('/models')).status).toBe(200);
  });
  it('describes itself, down to the metadata of an upload', async () => {
    const document = await (await fetch(`${service.url}/openapi.json`)).json() as { paths: Record<string, Record<string, { requestBody?: { content: Record<string, unknown> } }>> };
    expect(Object.keys(document.paths)).toContain('/registry/v1/models/{name}/deployment');
    expect(JSON.stringify(document.paths['/registry/v1/models/{name}/versions']?.['post']?.requestBody?.content['multipart/form-data'])).toContain('hyperparameters');
  });
  it('is ready once Kafka and PostgreSQL answer', async () =>
    expect(await (await fetch(`${service.url}/health/ready`)).json()).toEqual({ status: 'ok', checks: { database: { status: 'up' }, kafka: { status: 'up' } } }));
});

/** Holds `table`, so that `work` waits for it in the database, and cuts the connection on which it waits. */
async function cutOff<T>(table: string, work: () => Promise<T>): Promise<T> {
  const schema = `${installation.env['DATABASE_SCHEMA_PREFIX']}model_registry`;
  const holder = new pg.Client({ connectionString: installation.env['DATABASE_URL']! });
  await holder.connect();
  try {
    await holder.query(`BEGIN; LOCK TABLE "${schema}".${table} IN ACCESS EXCLUSIVE MODE`);
    const result = work();
    const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${schema}' AND wait_event_type = 'Lock'`;
    await expect.poll(async () => (await holder.query(cut)).rowCount, { timeout: 10_000 }).not.toBe(0);
    return await result;
  } finally {
    await holder.end();
  }
}
