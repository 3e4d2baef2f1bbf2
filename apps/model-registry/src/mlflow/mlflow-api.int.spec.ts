import { hash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { graph, Installation } from '../testing/harness.js';

type Role = 'viewer' | 'operator' | 'approver';
const KEYS: Record<Role, string> = { viewer: key('viewer'), operator: key('operator'), approver: key('approver') };
const ROLES: readonly Role[] = ['viewer', 'operator', 'approver'];
const MLMODEL = JSON.stringify({ flavors: { onnx: { data: 'model.onnx' } } });

let installation: Installation;
let service: RunningService;
let folder: string;

function key(id: string): string {
  return `tl_${id}_${randomBytes(32).toString('base64url')}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'throughline-mlflow-'));
  const file = join(folder, 'keys.json');
  await writeFile(file, JSON.stringify(ROLES.map((role) => ({ id: role, name: role, role, sha256: hash('sha256', KEYS[role]) }))), { mode: 0o600 });
  installation = await Installation.create({ AUTH_KEYS_FILE: file });
  service = await installation.start();
});

afterAll(async () => {
  await service.close();
  await installation.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests look into answers of every shape
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, role: Role | undefined = 'operator'): Promise<Answer> {
  const raw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { ...(role === undefined ? {} : { authorization: `Bearer ${KEYS[role]}` }), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: (raw ? body : JSON.stringify(body)) as string }),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const mlflow = (method: string, path: string, body?: unknown, role?: Role): Promise<Answer> => call(method, `/api/2.0/mlflow/${path}`, body, role);
const artifact = (method: string, path: string, body?: unknown, role?: Role): Promise<Answer> => call(method, `/api/2.0/mlflow-artifacts/artifacts/${path}`, body, role);

/** Logs a model as the client does; answers the source to register. */
async function log(bytes: Uint8Array | undefined, mlModel: string | undefined = MLMODEL): Promise<string> {
  const { body } = await mlflow('POST', 'logged-models', { experiment_id: '0', name: 'model' });
  const { model_id: id, artifact_uri: uri } = body.model.info as { model_id: string; artifact_uri: string };
  const path = uri.replace('mlflow-artifacts:/', '');
  if (mlModel !== undefined) await artifact('PUT', `${path}/MLmodel`, mlModel);
  if (bytes !== undefined) await artifact('PUT', `${path}/model.onnx`, bytes);
  await mlflow('PATCH', `logged-models/${id}`, { status: 'LOGGED_MODEL_READY' });
  return `models:/${id}`;
}

async function register(name: string, biases: readonly number[]): Promise<void> {
  await mlflow('POST', 'registered-models/create', { name });
  const lineage = [{ key: 'throughline.dataset', value: 'flights' }, { key: 'throughline.code_commit', value: 'abc' }];
  for (const bias of biases) {
    const source = await log(graph(bias));
    const { body: { run } } = await mlflow('POST', 'runs/create', { experiment_id: '0' });
    await mlflow('POST', 'runs/log-metric', { run_id: run.info.run_id, key: 'auc', value: 0.8, timestamp: 1, step: 0 });
    expect(await mlflow('POST', 'model-versions/create', { name, source, run_id: run.info.run_id, tags: lineage })).toMatchObject({ status: 200 });
  }
}

const setChampion = (name: string, version: string, role?: Role): Promise<Answer> => mlflow('POST', 'registered-models/alias', { name, alias: 'champion', version }, role);
const champion = async (name: string): Promise<string | undefined> => (await call('GET', `/registry/v1/models/${name}`)).body.aliases.champion;
const setPolicy = (name: string, promotion: object): Promise<Answer> => call('PUT', `/registry/v1/models/${name}/policy`, { promotion }, 'approver');

describe('the alias champion, set by an MLflow client', { timeout: 60_000 }, () => {
  it('serves at once where the policy says nothing else, under the name of who set it', async () => {
    await register('at-once', [0, 1]);
    expect(await setChampion('at-once', '1')).toEqual({ status: 200, body: {} });
    expect(await setChampion('at-once', '2')).toEqual({ status: 200, body: {} });
    expect((await call('GET', '/registry/v1/models/at-once/deployment')).body.champion.version).toBe('2');
    expect((await call('GET', '/registry/v1/models/at-once/aliases/champion')).body).toMatchObject({ author: expect.stringContaining('operator'), version: '2' });
  });

  it('is refused with the reason where the policy asks for an approval, and granted to who may approve', async () => {
    await register('approved', [0, 1]);
    await setChampion('approved', '1');
    expect(await setPolicy('approved', { mode: 'approval' })).toMatchObject({ status: 200 });
    const refused = await setChampion('approved', '2');
    expect(refused).toMatchObject({ status: 403, body: { error_code: 'PERMISSION_DENIED' } });
    expect(refused.body.message).toContain('approver');
    expect(await champion('approved')).toBe('1');
    expect(await mlflow('DELETE', 'registered-models/alias', { name: 'approved', alias: 'champion' })).toMatchObject({ status: 403 });
    expect(await setChampion('approved', '2', 'approver')).toEqual({ status: 200, body: {} });
    expect(await champion('approved')).toBe('2');
  });

  it('begins a rollout where the policy says so, and moves when that is through', async () => {
    await register('rolled', [0, 1]);
    await setChampion('rolled', '1');
    await setPolicy('rolled', { mode: 'rollout' });
    expect(await setChampion('rolled', '2')).toEqual({ status: 200, body: {} });
    expect(await champion('rolled')).toBe('1');
    const { body } = await mlflow('DELETE', 'model-versions/delete', { name: 'rolled', version: '2' });
    expect(body).toMatchObject({ error_code: 'RESOURCE_CONFLICT', message: expect.stringContaining('rollout') });
  });

  it('of a version that does not say what made it is refused with what is missing', async () => {
    await mlflow('POST', 'registered-models/create', { name: 'orphan' });
    expect(await mlflow('POST', 'model-versions/create', { name: 'orphan', source: await log(graph()) })).toMatchObject({ status: 200 });
    const { status, body } = await setChampion('orphan', '1');
    expect(status).toBe(403);
    expect(body.message).toMatch(/dataset, codeCommit, metrics/);
  });
});

describe('who may do what', () => {
  it('is decided as everywhere, in MLflow’s words', async () => {
    expect(await mlflow('GET', 'registered-models/search', undefined, undefined)).toMatchObject({ status: 200 });
    const anonymous = await fetch(`${service.url}/api/2.0/mlflow/registered-models/search`);
    expect(anonymous.status).toBe(401);
    expect(await anonymous.json()).toMatchObject({ error_code: 'UNAUTHENTICATED' });
    expect(await mlflow('POST', 'registered-models/create', { name: 'mine' }, 'viewer')).toMatchObject({ status: 403, body: { error_code: 'PERMISSION_DENIED' } });
    expect(await mlflow('POST', 'runs/search', { experiment_ids: ['0'] }, 'viewer')).toMatchObject({ status: 200 });
  });
});

describe('a model that cannot be served', { timeout: 60_000 }, () => {
  it.each([
    ['garbage', new Uint8Array([1, 2, 3]), MLMODEL, 'ONNX'],
    ['no graph', undefined, MLMODEL, 'was not logged'],
    ['no MLmodel', graph(), '', 'ONNX'],
    ['a graph outside the folder', graph(), JSON.stringify({ flavors: { onnx: { data: '../../../../artifacts' } } }), 'Invalid path'],
  ])('is refused with the reason, and nothing is kept of it: %s', async (_, bytes, mlModel, reason) => {
    await mlflow('POST', 'registered-models/create', { name: 'refused' });
    const answer = await mlflow('POST', 'model-versions/create', { name: 'refused', source: await log(bytes, mlModel) });
    expect(answer).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    expect(answer.body.message).toContain(reason);
    expect((await mlflow('GET', "model-versions/search?filter=name%3D'refused'")).body.model_versions).toEqual([]);
    expect(await readdir(join(installation.home, 'artifacts/incoming'))).toEqual([]);
  });
});

describe('bad input', { timeout: 60_000 }, () => {
  const ROUTES = [
    ['POST', 'experiments/create'], ['GET', 'experiments/get'], ['POST', 'experiments/search'], ['POST', 'runs/create'], ['POST', 'runs/search'], ['POST', 'runs/log-batch'], ['POST', 'runs/log-metric'],
    ['POST', 'runs/log-inputs'], ['GET', 'metrics/get-history'], ['POST', 'logged-models'], ['POST', 'logged-models/search'], ['PATCH', 'logged-models/m-1/tags'], ['POST', 'registered-models/create'],
    ['GET', 'registered-models/search'], ['POST', 'registered-models/alias'], ['DELETE', 'registered-models/delete'], ['POST', 'model-versions/create'], ['GET', 'model-versions/search'], ['POST', 'model-versions/transition-stage'],
  ] as const;
  const VALUES = [null, 1e308, 'x'.repeat(600), '\0', '\ud800', [], {}, [[]], [{ key: { a: 1 } }], true, '../..', "'", '999999999999999999999', 'NaN'];
  const FIELDS = ['name', 'version', 'alias', 'run_id', 'experiment_id', 'filter', 'order_by', 'max_results', 'page_token', 'tags', 'metrics', 'params', 'key', 'value', 'timestamp', 'step', 'source', 'stage', 'datasets', 'metric_key', 'experiment_ids'];

  it.each(ROUTES)('%s %s answers MLflow’s error, never a failure of ours', async (method, path) => {
    const bodies = method === 'GET' ? [] : ['{', '[]', '3', '"x"', '{}', '', `${'['.repeat(3000)}`, ...VALUES.map((value) => JSON.stringify(Object.fromEntries(FIELDS.map((field) => [field, value]))))];
    const queries = method === 'GET' ? VALUES.map((value) => new URLSearchParams(FIELDS.map((field): [string, string] => [field, String(value)])).toString()) : [];
    const answers = await Promise.all([...bodies.map((body) => mlflow(method, path, body)), ...queries.map((query) => mlflow(method, `${path}?${query}`))]);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(answers.filter(({ status, body }) => status >= 400 && (typeof body.error_code !== 'string' || typeof body.message !== 'string'))).toEqual([]);
  });

  it.each(['constructor', '__proto__', 'toString', '0', '9'])('a state called %s is refused', async (status) => {
    const { body: { run } } = await mlflow('POST', 'runs/create', { experiment_id: '0' });
    expect(await mlflow('POST', 'runs/update', { run_id: run.info.run_id, status })).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
    const { body: { model } } = await mlflow('POST', 'logged-models', { experiment_id: '0', name: 'model' });
    expect(await mlflow('PATCH', `logged-models/${model.info.model_id}`, { status })).toMatchObject({ status: 400 });
  });

  it('artifacts stay within their root, and those of versions never change', async () => {
    for (const path of ['..%2f..%2fx', 'a%5cb', '.incoming/x', 'versions/at-once/1/MLmodel', '0']) {
      expect(await artifact('PUT', path, 'data'), path).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } });
      if (path === '0') continue;
      expect((await artifact('DELETE', path)).status, path).toBe(400);
    }
    const large = randomBytes(5_000_000);
    expect((await artifact('PUT', '0/abc/artifacts/large.json', large)).status).toBe(200);
    const read = await fetch(`${service.url}/api/2.0/mlflow-artifacts/artifacts/0/abc/artifacts/large.json`, { headers: { authorization: `Bearer ${KEYS.viewer}` } });
    expect(large.equals(Buffer.from(await read.arrayBuffer()))).toBe(true);
    expect(await artifact('GET', '0/nothing')).toMatchObject({ status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } });
    expect(await mlflow('POST', 'nothing/here', {})).toMatchObject({ status: 404 });
  });

  it('of two writers of the same metric and parameter each is heard once', async () => {
    const { body: { run: { info: { run_id: id } } } } = await mlflow('POST', 'runs/create', { experiment_id: '0' });
    const batch = { run_id: id, metrics: [{ key: 'loss', value: 'NaN', timestamp: 1, step: 1 }], params: [{ key: 'a', value: '1' }] };
    await Promise.all([1, 2, 3].map(() => mlflow('POST', 'runs/log-batch', batch)));
    expect((await mlflow('GET', `metrics/get-history?run_id=${id}&metric_key=loss`)).body.metrics).toEqual([{ key: 'loss', value: 'NaN', timestamp: 1, step: 1 }]);
  });
});
