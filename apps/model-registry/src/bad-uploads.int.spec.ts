import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { RunningService } from '@throughline/http';
import { customOperatorGraph, externalDataGraph, hollowTensorGraph, slowLoadGraph, wideAnswerGraph } from '@throughline/onnx';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, graph, Installation, METADATA, runRegistry, sklearnFixture } from './testing/harness.js';

const MAX_ARTIFACT_BYTES = 200_000;
const TWO_GIB = 2 ** 31;

const { installation, service, registry } = await runRegistry({ REGISTRY_MAX_ARTIFACT_BYTES: String(MAX_ARTIFACT_BYTES), REGISTRY_INSPECT_MEMORY_BYTES: String(512 * 1024 ** 2) });

const incoming = (): Promise<string[]> => readdir(join(installation.home, 'artifacts', 'incoming'));
/** All that an upload could leave behind: files, and rows of every table. */
async function kept(): Promise<unknown> {
  const files = await readdir(join(installation.home, 'artifacts'), { recursive: true });
  const rows = await installation.sql('SELECT (SELECT count(*) FROM models) AS models, (SELECT count(*) FROM versions) AS versions, (SELECT count(*) FROM audit) AS audit, (SELECT count(*) FROM outbox) AS outbox');
  return { files: files.filter((name) => name.includes('.') || name.startsWith('incoming/')), rows };
}
const isolated = (features: number): object => ({ ...METADATA, features: Array.from({ length: features }, (_, index) => ({ name: `f${index}`, kind: 'numeric' })), task: 'other' });

describe('a bad upload', () => {
  it.each([
    ['bytes that are no model', async () => ({ artifact: Buffer.from('not a model at all') }), 422, 'artifact_not_onnx', /ModelProto/],
    ['a truncated model', async () => ({ artifact: graph().slice(0, 60) }), 422, 'artifact_not_onnx', /./],
    ['no bytes', async () => ({ artifact: new Uint8Array() }), 422, 'artifact_not_onnx', /./],
    ['a model with ZipMap', async () => ({ artifact: await sklearnFixture('sklearn-zipmap') }), 422, 'artifact_non_tensor_output', /output_probability/],
    ['a model above the limit', async () => ({ artifact: new Uint8Array(MAX_ARTIFACT_BYTES + 1) }), 413, 'artifact_too_large', /more than 200000 bytes/],
    ['a model far above the limit', async () => ({ artifact: new Uint8Array(50 * MAX_ARTIFACT_BYTES) }), 413, 'artifact_too_large', /more than 200000 bytes/],
    ['weights in another file', async () => ({ artifact: externalDataGraph(2, '../../etc/passwd') }), 422, 'artifact_external_data', /“weights” lives outside/],
    ['weights in a device that never ends', async () => ({ artifact: externalDataGraph(2, '/dev/zero') }), 422, 'artifact_external_data', /“weights” lives outside/],
    ['a terabyte of weights declared and none there', async () => ({ artifact: hollowTensorGraph(125e9), metadata: isolated(2) }), 422, 'artifact_load_failed', /weights/],
    ['a few bytes that grow to gigabytes', async () => ({ artifact: slowLoadGraph({ size: 12_000, steps: 50 }), metadata: isolated(2) }), 413, 'artifact_too_large', /memory/],
    ['a custom operator', async () => ({ artifact: customOperatorGraph(2) }), 422, 'artifact_load_failed', /“Fancy” of “com.example”/],
    ['metadata that is not JSON', async () => ({ metadata: '{' }), 400, 'invalid_request', /metadata: it is not JSON/],
    ['text that no database holds', async () => ({ artifact: graph(41), metadata: { ...METADATA, tags: { 'a\0': 'b' } } }), 400, 'invalid_request', /metadata: .*NUL/],
    ['half a character', async () => ({ artifact: graph(41), metadata: { ...METADATA, modelCard: '\ud800' } }), 400, 'invalid_request', /half of a surrogate pair/],
    ['metadata that is deeper than any reader', async () => ({ artifact: graph(41), metadata: JSON.stringify(METADATA).replace('"trainer"', `"hyperparameters":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}},"trainer"`) }), 400, 'invalid_request', /metadata: .*nested deeper/],
    ['a golden row whose answer takes megabytes', async () => ({ artifact: wideAnswerGraph(2_000_000), metadata: { ...isolated(2), golden: { rows: [{ features: [1, 2] }] } } }), 413, 'artifact_too_large', /answers the 1 row\(s\)/],
    ['a feature too many', async () => ({ metadata: { ...METADATA, features: [...METADATA.features, { name: 'wind', kind: 'numeric' }] } }), 400, 'invalid_request', /takes 2 columns, but the metadata has 3 features.*“distance”, “hour”/],
    ['features in another order than the graph’s', async () => ({ metadata: { ...METADATA, features: [...METADATA.features].reverse() } }), 400, 'invalid_request', /another order/],
    ['a score output that is not there', async () => ({ metadata: { ...METADATA, score: { output: 'nope' } } }), 400, 'invalid_request', /“nope” does not exist/],
  ] as const)('with %s gets its code and a way out, and leaves nothing', async (_, parts, status, code, reason) => {
    const before = await kept();
    const answer = await registry.upload('bad', await parts());
    expect(answer).toMatchObject({ status, body: { code, status, detail: expect.stringMatching(reason), cure: expect.stringMatching(/\w/) } });
    expect(await kept()).toEqual(before);
    expect((await registry.get('/models/bad')).status).toBe(404);
  });

  it('of a parent that does not exist keeps not even the bytes', async () => {
    const before = await kept();
    expect(await registry.upload('bad', { artifact: graph(31), metadata: { ...METADATA, parentVersion: '9' } })).toMatchObject({ status: 404, body: { code: 'unknown_version' } });
    expect(await kept()).toEqual(before);
  });

  it.each([
    ['CSV', 'distance,wind,score\n1,2,0.5\n'],
    ['JSON Lines', '{"distance":1,"wind":2,"score":0.5}\n'],
    ['Parquet', new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'distance', data: [1] }, { name: 'wind', data: [2] }, { name: 'score', data: [0.5] }] }))],
  ])('whose reference in %s has other columns names the one that is missing', async (_, reference) => {
    const before = await kept();
    expect(await registry.upload('bad', { reference })).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringContaining('lacks the column(s) “hour”'), cure: expect.stringMatching(/\w/) } });
    expect(await kept()).toEqual(before);
  });

  it('of 2 GB that is announced is refused before it is sent', async () => {
    const before = await kept();
    const { answer, sentBytes } = await stream({ announce: true });
    expect(answer).toMatchObject({ code: 'artifact_too_large', detail: expect.stringContaining(String(TWO_GIB)) });
    expect(sentBytes).toBeLessThan(16 * 1024 ** 2);
    expect(await kept()).toEqual(before);
  });

  it('of 2 GB that is not announced is refused at the limit, and never more than that is on disk', async () => {
    const before = await kept();
    const { answer, sentBytes, onDiskBytes } = await stream({ announce: false });
    expect(answer).toMatchObject({ code: 'artifact_too_large', detail: expect.stringContaining(String(MAX_ARTIFACT_BYTES)) });
    expect(sentBytes).toBeLessThan(64 * 1024 ** 2);
    expect(onDiskBytes).toBeLessThanOrEqual(MAX_ARTIFACT_BYTES);
    expect(await kept()).toEqual(before);
  });

  it('says how to export without ZipMap', async () =>
    expect((await registry.upload('bad', { artifact: await sklearnFixture('sklearn-zipmap') })).body.cure).toMatch(/zipmap/i));

  it.each([
    ['without an artifact', { metadata: JSON.stringify(METADATA) }, /part “artifact” is missing/],
    ['without metadata', { artifact: new Blob([graph() as Uint8Array<ArrayBuffer>]) }, /part “metadata” is missing/],
    ['with the artifact as text', { artifact: 'text', metadata: '{}' }, /“artifact” is a text field, not a file/],
    ['with a part nobody knows', { model: new Blob(['x']), metadata: '{}' }, /part “model” is unknown/],
  ])('%s says which part is wrong', async (_, parts, reason) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(parts)) form.append(name, value as string);
    expect(await registry.send('bad', form)).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: expect.stringMatching(reason) } });
    expect(await incoming()).toEqual([]);
  });

  it('that is no multipart at all is told so', async () =>
    expect(await registry.call('POST', '/models/bad/versions', { artifact: 'x' })).toMatchObject({ status: 415, body: { code: 'invalid_request' } }));
  it('under a name that is none is refused, and the client reads why, however much it sends', async () =>
    expect(await registry.upload('..%2Fetc', { artifact: new Uint8Array(50 * MAX_ARTIFACT_BYTES) })).toMatchObject({ status: 400, body: { code: 'invalid_request', detail: '“../etc” cannot name a model' } }));

  it('that breaks off in the middle leaves nothing', async () => {
    const before = await kept();
    await breakOff();
    await expect.poll(incoming, { timeout: 5000 }).toEqual([]);
    expect(await kept()).toEqual(before);
    expect((await registry.get('/models/broken')).status).toBe(404);
  });

  it('does not keep the service from the next good one', async () =>
    expect((await registry.upload('after-all-that')).status).toBe(201));
});

describe('where artifacts must be signed', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const second = generateKeyPairSync('ed25519');
  const stranger = generateKeyPairSync('ed25519');
  const bytes = graph(51);
  let guarded: Installation;
  let guard: RunningService;
  let client: Client;

  beforeAll(async () => {
    guarded = await Installation.create();
    const file = join(guarded.home, 'trusted.pem');
    await writeFile(file, [publicKey, second.publicKey].map((key) => key.export({ type: 'spki', format: 'pem' })).join(''));
    guarded.env['REGISTRY_TRUSTED_KEYS_FILE'] = file;
    guard = await guarded.start();
    client = new Client(guard.url);
  });
  afterAll(async () => {
    await guard.close();
    await guarded.remove();
  });

  it.each([
    ['without a signature', undefined],
    ['by the wrong key', sign(null, bytes, stranger.privateKey)],
    ['of other bytes', sign(null, graph(52), privateKey)],
    ['that is too short', new Uint8Array(63)],
    ['that is far too long', 'A'.repeat(5000)],
    ['that is text', 'signed: ada'],
  ])('an upload %s is refused, and nothing is kept', async (_, signature) => {
    expect(await client.upload('signed', { artifact: bytes, signature })).toMatchObject({ status: 422, body: { code: 'artifact_signature_invalid', cure: expect.stringContaining('openssl') } });
    expect((await client.get('/models/signed')).status).toBe(404);
    expect((await readdir(join(guarded.home, 'artifacts'), { recursive: true }))).toEqual(['incoming']);
  });

  it('any trusted key lets it in, raw or in base64, and the signature travels with the deployment', async () => {
    const raw = sign(null, bytes, privateKey);
    expect(await client.upload('signed', { artifact: bytes, signature: raw })).toMatchObject({ status: 201, body: { version: '1', artifactSignature: raw.toString('base64') } });
    expect(await client.upload('signed', { artifact: bytes, signature: `${raw.toString('base64')}\n` })).toMatchObject({ status: 200, body: { version: '1' } });
    expect(await client.upload('signed', { artifact: bytes, signature: sign(null, bytes, second.privateKey) })).toMatchObject({ status: 201, body: { version: '2' } });
    await client.put('/models/signed/aliases/champion', { version: '1' });
    expect((await client.get('/models/signed/deployment')).body.champion).toMatchObject({ artifactSha256: createHash('sha256').update(bytes).digest('hex'), artifactSignature: raw.toString('base64') });
  });

  it('rules are no exception', async () => {
    const rules = Buffer.from(JSON.stringify({ throughlineRules: 1, features: METADATA.features, outputs: { probability: '0.4' }, score: 'probability' }));
    const form = (signature?: Uint8Array): FormData => {
      const data = new FormData();
      data.set('artifact', new Blob([rules]), 'model.rules.json');
      if (signature !== undefined) data.set('signature', new Blob([signature as Uint8Array<ArrayBuffer>]));
      return data;
    };
    expect(await client.send('rules', form())).toMatchObject({ status: 422, body: { code: 'artifact_signature_invalid' } });
    expect((await client.send('rules', form(sign(null, rules, privateKey)))).status).toBe(201);
  });
});

/** Sends half an artifact and hangs up. */
function breakOff(): Promise<void> {
  return new Promise((resolve) => {
    const upload = request(`${service.url}/registry/v1/models/broken/versions`, { method: 'POST', headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '1000000' } });
    upload.on('error', () => resolve());
    upload.write('--x\r\ncontent-disposition: form-data; name="artifact"; filename="m.onnx"\r\ncontent-type: application/octet-stream\r\n\r\n');
    upload.write(Buffer.alloc(50_000), () => void whenReceived().then(() => upload.destroy()));
  });
}

/** Sends as much of 2 GB as is taken before the answer comes. */
function stream({ announce }: { announce: boolean }): Promise<{ answer: unknown; sentBytes: number; onDiskBytes: number }> {
  const chunk = Buffer.alloc(256 * 1024);
  let sentBytes = 0;
  let onDiskBytes = 0;
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x', ...(announce ? { 'content-length': String(TWO_GIB) } : {}) };
    const upload = request(`${service.url}/registry/v1/models/huge/versions`, { method: 'POST', headers });
    let isAnswered = false;
    upload.once('error', (error) => { if (!isAnswered) reject(error); });
    upload.once('response', (response) => {
      isAnswered = true;
      let text = '';
      response.on('data', (part: Buffer) => { text += part.toString(); }).on('end', () => {
        upload.destroy();
        resolve({ answer: JSON.parse(text), sentBytes, onDiskBytes });
      });
    });
    const send = async (): Promise<void> => {
      for (const name of await incoming()) onDiskBytes = Math.max(onDiskBytes, (await stat(join(installation.home, 'artifacts', 'incoming', name)).catch(() => ({ size: 0 }))).size);
      if (isAnswered || sentBytes >= TWO_GIB) return;
      sentBytes += chunk.length;
      upload.write(chunk, () => void send());
    };
    upload.write('--x\r\ncontent-disposition: form-data; name="artifact"; filename="m.onnx"\r\ncontent-type: application/octet-stream\r\n\r\n', () => void send());
  });
}

async function whenReceived(): Promise<void> {
  await expect.poll(incoming, { timeout: 5000 }).toHaveLength(1);
}
