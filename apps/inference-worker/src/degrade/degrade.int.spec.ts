import { encodeEvent, type BreakerPolicy, type Fallback, type FeatureSpec, type ModelSignature, type ServedVersion } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FeatureServer } from '../testing/feature-server.js';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';
import { tableLookupGraph } from '../testing/partial-failure-graph.js';

/** A table of so many entries fails on every index beyond: which version can answer which request is up to the request. */
const index = [numeric('index')];
const stored = [numeric('hour'), numeric('delay', { from: { view: 'airport_delay', viewVersion: 1, feature: 'mean_delay', entityRole: 'origin' } })];
const TIMEOUT_MS = 400;
const PATIENCE = { timeout: 10_000 };

vi.setConfig({ testTimeout: 30_000 });

let installation: Installation;
let store: FeatureServer;
let worker: RunningService;
let nextId = 0;
/** Of each spec, so that none meets the remembered answers or the breaker of another. */
let model: string;
let revision: number;

beforeAll(async () => {
  [installation, store] = await Promise.all([Installation.create(), FeatureServer.start()]);
  worker = await installation.startWorker({ FEATURE_STORE_URL: store.url, FEATURE_STORE_TIMEOUT_MS: `${TIMEOUT_MS}`, FEATURE_STORE_OPEN_MS: '300' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  store?.close();
  await installation?.close();
});

beforeEach(() => {
  model = `model-${nextId++}`;
  revision = 0;
  store.hangs = false;
});

const table = (version: string, size: number): ServedVersion => installation.version(version, tableLookupGraph(size), signature(index));
const constant = (value: number): Fallback => ({ kind: 'constant', outputs: { probability: [value] } });
function rules(version: string, expression: string, features: ModelSignature['features']): ServedVersion {
  const document = { throughlineRules: 1, features: features.map(({ name, kind }) => ({ name, kind })), outputs: { probability: expression }, score: 'probability' };
  const described = signature(features, { inputs: [], outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1, 1] }] });
  return { ...installation.version(version, new TextEncoder().encode(JSON.stringify(document)), described), format: 'rules' };
}

async function deploy(champion: ServedVersion, policy: { fallbacks?: Fallback[]; breaker?: BreakerPolicy } = {}): Promise<void> {
  await installation.deploy({ model, revision: ++revision, champion, ...policy });
  await expect.poll(async () => ((await (await fetch(`${worker.url}/v2/models/${model}/ready`)).json()) as { ready?: boolean }).ready, PATIENCE).toBe(true);
}

/** In one batch. */
async function send(...requests: object[]): Promise<string[]> {
  const ids = requests.map(() => `request-${nextId++}`);
  await installation.send(...requests.map((data, row) => {
    const event = { id: ids[row]!, source: '/test', timeMs: Date.now(), data: { model, ...data } };
    return { topic: 'prediction.requested.v1' as const, key: requests.length === 1 ? event.id : 'one partition', ...encodeEvent('prediction.requested.v1', event) };
  }));
  return ids;
}
type Outcome = Record<string, unknown>;
/** What became of a request: who answered what instead of what, or why nobody did. */
async function ask(data: object): Promise<Outcome> {
  const [id] = await send(data);
  const { scored, rejected } = installation.answers;
  const { data: answer } = await installation.answers.until(`an answer to ${id}`, () => [...scored, ...rejected].find((event) => event.data.requestId === id));
  if (!('outputs' in answer)) return { code: answer.code, asked: [answer.version, answer.role, answer.assignmentRevision] };
  const { version, role, assignmentRevision, outputs, score, fallback, features, timingsMs, batchSize } = answer;
  expect(score).toBe(outputs['probability']![0]);
  return { version, role, assignmentRevision, score, ...fallback, values: features.values, batchSize, totalMs: timingsMs.total };
}
const at = (value: number, more: object = {}): Promise<Outcome> => ask({ features: { index: value }, ...more });

async function metric(name: string, labels: Record<string, string>): Promise<number> {
  const text = await (await fetch(`${worker.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name}{`) && Object.entries(labels).every(([label, value]) => one.includes(`${label}="${value}"`)));
  return Number(line?.split(' ').at(-1) ?? 0);
}

describe('a version that fails', () => {
  it('is answered for by the deployment’s fallbacks in their order, each said in the event and counted apart', async () => {
    const fallbacks: Fallback[] = [{ kind: 'last_known_good', maxAgeSeconds: 600 }, { kind: 'previous_version', served: table('before', 100) }, { kind: 'rules', served: rules('rules', 'index < 1000.0 ? 0.25 : 1.0 / 0.0', index) }, constant(0.5)];
    await deploy(table('now', 10), { fallbacks, breaker: { minCallsPerSecond: 1000 } });
    expect(await at(3, { routingKey: 'case-1' })).toMatchObject({ version: 'now', score: 3, values: [3] });
    expect(await at(50, { routingKey: 'case-1' })).toMatchObject({ version: 'now', role: 'champion', assignmentRevision: 1, kind: 'last_known_good', reason: 'model_failed', score: 3, values: [], batchSize: 1 });
    expect(await at(50, { routingKey: 'case-2' })).toMatchObject({ version: 'before', role: 'champion', assignmentRevision: 1, kind: 'previous_version', reason: 'model_failed', score: 50, values: [50] });
    expect(await at(500)).toMatchObject({ version: 'rules', kind: 'rules', reason: 'model_failed', score: 0.25, values: [500] });
    await expect.poll(() => metric('throughline_fallback_answers_total', { model, kind: 'rules', reason: 'model_failed' }), PATIENCE).toBe(1);
    expect(await metric('throughline_fallback_answers_total', { model, kind: 'last_known_good' })).toBe(1);
    expect(await metric('throughline_predictions_total', { model, version: 'now', state: 'scored' })).toBe(1);
    expect(await metric('throughline_predictions_total', { model, version: 'before', state: 'fallback' })).toBe(1);
    expect(await metric('throughline_rejections_total', { model })).toBe(0);
  });

  it('is not answered for when the input is bad, or the request wants that version and no other', async () => {
    await deploy(table('now', 10), { fallbacks: [constant(0.5)] });
    expect(await ask({ features: { index: 'north' } })).toMatchObject({ code: 'wrong_type', asked: [expect.any(String), 'champion', 1] });
    expect(await ask({ features: { index: 'NaN' } })).toMatchObject({ code: 'value_forbidden' });
    expect(await at(50, { version: 'now' })).toMatchObject({ code: 'model_failed', asked: ['now', 'pinned', 1] });
    expect(await at(5, { version: 'then' })).toMatchObject({ code: 'unknown_version', asked: ['then', 'pinned', 1] });
    expect(await at(50)).toMatchObject({ version: 'now', kind: 'constant', score: 0.5 });
    expect(await ask({})).toMatchObject({ kind: 'constant', reason: 'feature_missing' });
  });

  it('costs nobody else of its batch their own answer', async () => {
    await deploy(table('now', 10), { fallbacks: [{ kind: 'previous_version', served: table('before', 1000) }] });
    const wanted = Array.from({ length: 200 }, (_, row) => (row % 7 === 0 ? 100 + row : row % 10));
    const answers = await Promise.all(wanted.map((value) => at(value)));
    expect(answers.map(({ score }) => score)).toEqual(wanted);
    expect(answers.map(({ kind }) => kind !== undefined)).toEqual(wanted.map((value) => value >= 100));
  });

  it('is answered for over HTTP, row by row', async () => {
    await deploy(table('now', 10), { fallbacks: [{ kind: 'last_known_good', maxAgeSeconds: 600 }, constant(0.5)] });
    const infer = async (data: number[], routing_key: string) => {
      const body = JSON.stringify({ inputs: [{ name: 'input', shape: [data.length, 1], datatype: 'FP32', data }], parameters: { routing_key } });
      return (await fetch(`${worker.url}/v2/models/${model}/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
    };
    expect(await infer([1, 50, 3], 'case-1')).toMatchObject({ parameters: { fallbacks: [null, 'constant', null] }, outputs: [{ data: [1, 0.5, 3] }] });
    expect(await infer([50], 'case-1')).toMatchObject({ parameters: { fallbacks: ['last_known_good'] }, outputs: [{ data: [3] }] });
  });

  it('is answered for by a constant when it was never loaded at all', async () => {
    const broken = installation.version('broken', new TextEncoder().encode('no graph'), signature(index));
    await installation.deploy({ model, revision: ++revision, champion: broken, fallbacks: [constant(0.75)] });
    expect(await at(1)).toMatchObject({ version: 'broken', role: 'champion', assignmentRevision: 1, kind: 'constant', reason: 'model_not_ready', insteadOf: 'broken', score: 0.75 });
  });
});

describe('the circuit breaker', () => {
  it('opens when runs keep failing, lets the fallbacks answer at once, and closes when the version answers again', async () => {
    const breaker = { failureShare: 0.5, windowSeconds: 10, minCallsPerSecond: 0.4, openSeconds: 1 };
    await deploy(table('now', 10), { fallbacks: [constant(0.5)], breaker });
    const state = (): Promise<number> => metric('throughline_breaker_state', { model, version: 'now' });
    expect(await at(3)).toMatchObject({ score: 3 });
    for (let call = 0; call < 3; call++) expect(await at(50)).toMatchObject({ kind: 'constant', reason: 'model_failed' });
    expect(await at(3)).toMatchObject({ kind: 'constant', reason: 'circuit_open', score: 0.5 });
    expect(await at(3, { version: 'now' })).toMatchObject({ code: 'circuit_open' });
    expect(await state()).toBe(2);
    await expect.poll(() => at(3), PATIENCE).toMatchObject({ score: 3, version: 'now' });
    expect(await state()).toBe(0);
    expect(await at(4)).toMatchObject({ score: 4 });
  });

  it('stays closed for single poisonous rows', async () => {
    await deploy(table('now', 10), { breaker: { minCallsPerSecond: 0.1 } });
    for (let batch = 0; batch < 10; batch++) {
      const ids = await send(...Array.from({ length: 50 }, (_, row) => ({ features: { index: row === 25 ? 50 : 3 } })));
      for (const [row, id] of ids.entries()) await (row === 25 ? installation.answers.rejectedOf(id) : installation.answers.scoredOf(id));
    }
    expect(await metric('throughline_breaker_state', { model })).toBe(0);
  });
});

describe('a feature store that is dead', () => {
  it('costs a few requests its timeout; from then on answers come at once, and are complete again when it is back', async () => {
    store.stored.set('SFO', { values: { mean_delay: 12 }, eventTime: '2001-02-03T04:00:00Z', sequence: 1 });
    const champion = installation.version('1', logistic(stored), signature(stored, { entities: { origin: 'airport' } }));
    const simple = rules('rules', 'hour >= 7.0 ? 0.8 : 0.1', [numeric('hour')]);
    await deploy(champion, { fallbacks: [{ kind: 'rules', served: simple }] });
    const fly = (origin: string): Promise<Outcome> => ask({ features: { hour: 7 }, entities: { origin } });
    store.hangs = true;
    for (let read = 0; read < 3; read++) expect(await fly('SFO')).toMatchObject({ kind: 'rules', reason: 'feature_missing', score: 0.8, values: [7] });
    const asked = store.asked.length;
    const answers: Outcome[] = [];
    for (let request = 0; request < 40; request++) answers.push(await fly('SFO'));
    expect(answers.every(({ kind }) => kind === 'rules')).toBe(true);
    const totals = answers.map(({ totalMs }) => totalMs as number).sort((a, b) => a - b);
    expect(totals[35]).toBeLessThan(TIMEOUT_MS / 4);
    expect(store.asked.length - asked).toBeLessThan(10);
    expect(await (await fetch(`${worker.url}/metrics`)).text()).toMatch(/throughline_feature_reads_total\{result="skipped"\} [1-9]/);
    store.hangs = false;
    await expect.poll(() => fly('SFO'), PATIENCE).toMatchObject({ version: '1', values: [7, 12] });
  });

  it('is not asked once more by a version that stands in with the same features', async () => {
    const described = (delay: FeatureSpec) => signature([stored[0]!, delay], { entities: { origin: 'airport' } });
    const before = installation.version('before', logistic(stored, 1), described({ ...stored[1]!, default: -1 }));
    await deploy(installation.version('now', logistic(stored), described(stored[1]!)), { fallbacks: [{ kind: 'previous_version', served: before }] });
    store.stored.set('BOS', { values: { mean_delay: 3 }, eventTime: '2001-02-03T04:00:00Z', sequence: 1 });
    expect(await ask({ features: { hour: 7 }, entities: { origin: 'BOS' } })).toMatchObject({ version: 'now', values: [7, 3] });
    store.hangs = true;
    const asked = store.asked.length;
    const answer = await ask({ features: { hour: 7 }, entities: { origin: 'LAX' } });
    expect(answer).toMatchObject({ version: 'before', kind: 'previous_version', reason: 'feature_missing', values: [7, -1] });
    expect(store.asked.length - asked).toBe(1);
  });
});
