import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningService } from '@throughline/http';
import { externalDataGraph, mergeInChild } from '@throughline/onnx';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client, graph, Installation, type Answer } from '../testing/harness.js';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const WEIGHTS = Buffer.from(Float32Array.of(1, 2).buffer);
const TAG = 'throughline.signature';
const signatureOf = (bytes: Uint8Array): string => sign(null, bytes, privateKey).toString('base64');

type Tags = { key: string; value: string }[];
const tagged = (bytes: Uint8Array): Tags => [{ key: TAG, value: signatureOf(bytes) }];

class Mlflow {
  private constructor(readonly installation: Installation, private readonly service: RunningService) {}

  static async start(env: Record<string, string> = {}): Promise<Mlflow> {
    const installation = await Installation.create(env);
    return new Mlflow(installation, await installation.start());
  }

  get url(): string {
    return this.service.url;
  }

  get registry(): Client {
    return new Client(this.url);
  }

  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const raw = body instanceof Uint8Array || typeof body === 'string';
    const response = await fetch(`${this.url}/api/2.0/${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: (raw ? body : JSON.stringify(body)) as string }) });
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** Logs files beside an MLmodel; answers the source to register. */
  async log(files: Readonly<Record<string, Uint8Array>>, tags: Tags = [], runId?: string, graphFile = 'model.onnx'): Promise<string> {
    const { body } = await this.call('POST', 'mlflow/logged-models', { experiment_id: '0', name: 'model', tags, source_run_id: runId });
    const { model_id: id, artifact_uri: uri } = body.model.info as { model_id: string; artifact_uri: string };
    const all = { MLmodel: JSON.stringify({ flavors: { onnx: { data: graphFile } } }), ...files };
    for (const [name, content] of Object.entries(all)) await this.call('PUT', `mlflow-artifacts/artifacts/${uri.replace('mlflow-artifacts:/', '')}/${name}`, content);
    await this.call('PATCH', `mlflow/logged-models/${id}`, { status: 'LOGGED_MODEL_READY' });
    return `models:/${id}`;
  }

  async register(name: string, source: string, tags: Tags = []): Promise<Answer> {
    await this.call('POST', 'mlflow/registered-models/create', { name });
    return this.call('POST', 'mlflow/model-versions/create', { name, source, tags });
  }

  async stop(): Promise<void> {
    await this.service.close();
    await this.installation.remove();
  }
}

describe('a graph with tensors in a file beside it, as the client logs large ones', { timeout: 60_000 }, () => {
  let mlflow: Mlflow;
  beforeAll(async () => { mlflow = await Mlflow.start(); });
  afterAll(() => mlflow.stop());

  it.each(['model.onnx', 'data/model.onnx'])('becomes a version of one file, which is what is found, loaded and served: %s', async (graphFile) => {
    const files = { [graphFile]: externalDataGraph(2, 'w.bin'), [graphFile.replace('model.onnx', 'w.bin')]: WEIGHTS };
    const name = `merged-${graphFile.length}`;
    expect(await mlflow.register(name, await mlflow.log(files, [], undefined, graphFile))).toMatchObject({ status: 200 });

    const { body: version } = await mlflow.registry.get(`/models/${name}/versions/1`);
    const served = await fetch(`${mlflow.url}/api/2.0/mlflow-artifacts/artifacts/versions/${name}/1/${graphFile}`);
    const bytes = new Uint8Array(await served.arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(version.artifactSha256);
    expect(Buffer.from(bytes).includes(WEIGHTS)).toBe(true);
    expect((await mergeInChild(bytes, tmpdir())).files).toEqual([]);
    const { body } = await mlflow.call('GET', `mlflow-artifacts/artifacts?path=versions/${name}/1`);
    expect(JSON.stringify(body)).not.toContain('w.bin');
    expect(await readdir(join(mlflow.installation.home, 'artifacts/incoming'))).toEqual([]);
  });

  it.each([
    ['that was not logged', 'w.bin', {}, 'no such file was logged'],
    ['in another folder', '../w.bin', {}, 'no plain name'],
    ['on this machine', '/etc/passwd', {}, 'no plain name'],
    ['that is shorter than the tensor', 'w.bin', { 'w.bin': WEIGHTS.subarray(0, 4) }, 'TensorProto'],
  ] satisfies [string, string, Record<string, Uint8Array>, string][])('is refused with a file %s, and nothing is kept of it', async (_, location, files, reason) => {
    const answer = await mlflow.register('refused', await mlflow.log({ 'model.onnx': externalDataGraph(2, location), ...files }));
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(answer.body.message).toContain(reason);
    expect((await mlflow.registry.get('/models/refused/versions/1')).status).toBe(404);
    expect(await readdir(join(mlflow.installation.home, 'artifacts/incoming'))).toEqual([]);
  });
});

describe('where artifacts must be signed', { timeout: 60_000 }, () => {
  let mlflow: Mlflow;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'throughline-mlflow-'));
    await writeFile(join(folder, 'trusted.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    mlflow = await Mlflow.start({ REGISTRY_TRUSTED_KEYS_FILE: join(folder, 'trusted.pem') });
  });
  afterAll(async () => {
    await mlflow.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('a tag of the version, the logged model or the run carries the signature', async () => {
    const bytes = graph(61);
    const files = { 'model.onnx': bytes };
    const { body: { run } } = await mlflow.call('POST', 'mlflow/runs/create', { experiment_id: '0', tags: tagged(bytes) });
    expect(await mlflow.register('signed', await mlflow.log(files), tagged(bytes))).toMatchObject({ status: 200 });
    expect(await mlflow.register('signed', await mlflow.log(files, tagged(bytes)))).toMatchObject({ status: 200 });
    expect(await mlflow.register('signed', await mlflow.log(files, [], run.info.run_id))).toMatchObject({ status: 200 });
    for (const version of [1, 2, 3]) expect((await mlflow.registry.get(`/models/signed/versions/${version}`)).body.artifactSignature).toBe(signatureOf(bytes));
  });

  it.each([
    ['without one', [], /missing.*openssl.*“throughline.signature”/],
    ['with one of other bytes', tagged(graph(62)), /fits these bytes by none.*“throughline.signature”/],
    ['with one that is none', [{ key: TAG, value: 'ada' }], /no Ed25519 signature.*“throughline.signature”/],
  ] satisfies [string, Tags, RegExp][])('a model %s is refused, and how to send one is said', async (_, tags, message) => {
    const answer = await mlflow.register('unsigned', await mlflow.log({ 'model.onnx': graph(61) }), tags);
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE', message: expect.stringMatching(message) } });
  });

  it('a signature of a graph that needs files beside it is refused, with why it cannot fit', async () => {
    const logged = externalDataGraph(2, 'w.bin');
    const answer = await mlflow.register('unsigned', await mlflow.log({ 'model.onnx': logged, 'w.bin': WEIGHTS }), tagged(logged));
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringMatching(/merges “w.bin” into the graph, and no client knows.*save_as_external_data=False/) } });
  });
});
