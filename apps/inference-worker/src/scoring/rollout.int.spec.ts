import { encodeEvent, predictionId, type PredictionRequested } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { armAt, splitPoint } from '../domain/split.js';
import { FeatureServer } from '../testing/feature-server.js';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, signature } from '../testing/models.js';
import { tableLookupGraph } from '../testing/partial-failure-graph.js';

const TOPIC = 'prediction.requested.v1';
const features = [numeric('hour'), numeric('distance')];
const stored = (feature: string) => numeric(feature, { from: { view: 'airport_delay', viewVersion: 1, feature, entityRole: 'origin' } });
const airport = { entities: { origin: 'airport' } };

let installation: Installation;
let store: FeatureServer;
let worker: RunningService;

const version = (number: number, of = features, more: object = {}) => installation.version(String(number), logistic(of, number), signature(of, more));

beforeAll(async () => {
  [installation, store] = await Promise.all([Installation.create(), FeatureServer.start()]);
  store.stored.set('SFO', { values: { mean_delay: 12, wind: 3 }, eventTime: '2001-02-03T03:00:00Z', sequence: 1 });
  const failing = [numeric('hour')];
  await installation.deploy({
    model: 'shadowed', revision: 5, champion: version(1),
    // The same features in another order, one that always fails, and one whose feature some requests lack.
    shadows: [version(2, features.toReversed()), installation.version('3', tableLookupGraph(5), signature(failing)), version(4, [...features, numeric('delay')])],
  });
  await installation.deploy({ model: 'stored', revision: 1, champion: version(1, [stored('mean_delay')], airport), shadows: [version(2, [stored('wind'), stored('mean_delay')], airport)] });
  await installation.deploy({ model: 'split', revision: 1, champion: version(1), challengers: [{ ...version(2), share: 0.2 }, { ...version(3), share: 0.1 }], splitSalt: 'split/1' });
  await installation.deploy({ model: 'reordered', revision: 1, champion: version(1), challengers: [{ ...version(2, features.toReversed()), share: 1 }] });
  worker = await installation.startWorker({ FEATURE_STORE_URL: store.url });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  store?.close();
  await installation?.close();
});

const request = (id: string, data: PredictionRequested) => ({ topic: TOPIC, key: `key of ${id}`, ...encodeEvent(TOPIC, { id, source: '/test', timeMs: Date.now(), data }) }) as const;
const shadowsOf = (requestId: string, count: number) => installation.answers.until(`${count} shadow answers of ${requestId}`, () => {
  const found = installation.answers.shadowed.filter(({ data }) => data.requestId === requestId);
  return found.length >= count && found.toSorted((a, b) => a.data.version.localeCompare(b.data.version));
});
const scoredCount = (requestId: string): number => installation.answers.scored.filter(({ data }) => data.requestId === requestId).length;
const metric = async (version: string, result: string): Promise<number> => {
  const text = await (await fetch(`${worker.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith('throughline_shadow_answers_total{') && [`model="shadowed"`, `version="${version}"`, `result="${result}"`].every((label) => one.includes(label)));
  return Number(line?.split(' ').at(-1) ?? 0);
};
const inferred = async (model: string, inputs: object[]) => {
  const response = await fetch(`${worker.url}/v2/models/${model}/infer`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ inputs }) });
  expect(response.status).toBe(200);
  return (await response.json()) as { model_version: string; outputs: { data: number[] }[]; parameters: { prediction_ids: string[] } };
};
const matrix = (...rows: number[][]) => ({ name: 'input', shape: [rows.length, rows[0]!.length], datatype: 'FP32', data: rows.flat() });

describe('shadows', () => {
  it('answer on their own topic under the prediction’s id and key, each with its own signature, and nowhere else', async () => {
    await installation.send(request('all', { model: 'shadowed', features: { hour: 2, distance: 30, delay: 4 }, entities: { origin: 'SFO' }, routingKey: 'case', team: 'ops' }));
    const champion = await installation.answers.scoredOf('all');
    const shadows = await shadowsOf('all', 3);
    expect(champion).toMatchObject({ version: '1', role: 'champion' });
    expect(shadows.map(({ data }) => [data.version, data.features.values])).toEqual([['2', [30, 2]], ['3', [2]], ['4', [2, 30, 4]]]);
    expect(shadows[0]!.data.score).toBeCloseTo(logisticScore([30, 2], 2), 6);
    const answered = { version: '1', role: 'champion', score: champion.score, totalMs: champion.timingsMs.total };
    for (const { id, data, message } of shadows) {
      expect(data.answered).toEqual(answered);
      expect(data).toMatchObject({ predictionId: champion.predictionId, role: 'shadow', assignmentRevision: 5, requestCoordinates: champion.requestCoordinates, routingKey: 'case', team: 'ops' });
      expect(id).toBe(`${predictionId('/test', 'all')}/shadow/${data.version}`);
      expect(message.key?.toString()).toBe('key of all');
      expect(data.timingsMs.total).toBeGreaterThanOrEqual(champion.timingsMs.total!);
    }
    expect(scoredCount('all')).toBe(1);
  });

  it('that fail or lack a feature say so and are counted, and leave the champion’s answers intact and given once', async () => {
    const before = { failed: await metric('3', 'model_failed'), lacking: await metric('4', 'feature_missing') };
    const ids = Array.from({ length: 100 }, (_, index) => `failing-${index}`);
    await installation.send(...ids.map((id, index) => ({ ...request(id, { model: 'shadowed', features: { hour: 5 + index, distance: 1 } }), key: 'one partition' })));
    for (const [index, id] of ids.entries()) expect((await installation.answers.scoredOf(id)).score).toBeCloseTo(logisticScore([5 + index, 1], 1), 6);
    for (const id of ids) {
      const told = (await shadowsOf(id, 3)).map(({ data: { version, failed, answered, score, outputs } }) => ({ version, code: failed?.code, answered: answered?.version, isScored: score !== undefined, outputs: Object.keys(outputs).length }));
      expect(told).toEqual([
        { version: '2', code: undefined, answered: '1', isScored: true, outputs: 1 },
        { version: '3', code: 'model_failed', answered: '1', isScored: false, outputs: 0 },
        { version: '4', code: 'feature_missing', answered: '1', isScored: false, outputs: 0 },
      ]);
    }
    await expect.poll(async () => [(await metric('3', 'model_failed')) - before.failed, (await metric('4', 'feature_missing')) - before.lacking], { timeout: 10_000 }).toEqual([100, 100]);
    for (const id of ids) expect(scoredCount(id)).toBe(1);
    expect(installation.answers.rejected).toEqual([]);
  });

  it('score what comes over HTTP too, and read its matrix by the champion’s signature', async () => {
    const { parameters } = await inferred('shadowed', [matrix([2, 30], [3, 40])]);
    const of = (id: string) => installation.answers.until('the shadow', () => installation.answers.shadowed.find(({ data }) => data.predictionId === id && data.version === '2'));
    const values = await Promise.all(parameters.prediction_ids.map(async (id) => (await of(id)).data.features.values));
    expect(values).toEqual([[30, 2], [40, 3]]);
  });

  it('use the very values that the champion used, and read only what it did not', async () => {
    await installation.send(request('stored', { model: 'stored', features: {}, entities: { origin: 'SFO' }, occurredAt: '2001-02-03T04:00:00Z' }));
    const [shadow] = await shadowsOf('stored', 1);
    expect((await installation.answers.scoredOf('stored')).features.values).toEqual([12]);
    expect(shadow!.data.features).toEqual({ values: [3, 12], ageSeconds: { airport_delay: 3600 } });
    expect(store.asked).toHaveLength(1);
  });

  it('have no part in a pinned answer', async () => {
    await installation.send({ ...request('pinned', { model: 'shadowed', version: '2', features: { hour: 1, distance: 1 } }), key: 'k' }, { ...request('after', { model: 'shadowed', features: { hour: 1, distance: 1 } }), key: 'k' });
    expect(await installation.answers.scoredOf('pinned')).toMatchObject({ version: '2', role: 'pinned' });
    await shadowsOf('after', 3);
    expect(installation.answers.shadowed.filter(({ data }) => data.requestId === 'pinned')).toEqual([]);
  });
});

describe('challengers', () => {
  const KEYS = 1000;
  const arms = (...shares: number[]) => shares.map((share, index) => ({ share, version: String(index + 2) }));
  const armOf = (key: string, shares: ReturnType<typeof arms>) => armAt(shares, splitPoint('split/1', key))?.version ?? '1';

  async function versionsByKey(round: string): Promise<Map<string, string>> {
    await installation.send(...Array.from({ length: KEYS }, (_, key) => request(`${round}-${key}`, { model: 'split', features: { hour: 1, distance: 1 }, routingKey: `case-${key}` })));
    const scored = await installation.answers.until(`${KEYS} answers of ${round}`, () => {
      const found = installation.answers.scored.filter(({ data }) => data.requestId.startsWith(`${round}-`));
      return found.length === KEYS && found;
    });
    for (const { data } of scored) expect(data.role).toBe(data.version === '1' ? 'champion' : 'challenger');
    return new Map(scored.map(({ data }) => [data.routingKey!, data.version]));
  }

  it('get their shares of the routing keys, and a raised share keeps every key it had', async () => {
    const first = await versionsByKey('first');
    for (const [key, version] of first) expect(version).toBe(armOf(key, arms(0.2, 0.1)));
    const countOf = (version: string): number => [...first.values()].filter((one) => one === version).length;
    expect(countOf('2') / KEYS).toBeCloseTo(0.2, 1);
    expect(countOf('3') / KEYS).toBeCloseTo(0.1, 1);

    await installation.deploy({ model: 'split', revision: 2, champion: version(1), challengers: [{ ...version(2), share: 0.2 }, { ...version(3), share: 0.5 }], splitSalt: 'split/1' });
    let probe = 0;
    await expect.poll(async () => {
      const id = `probe-${probe++}`;
      await installation.send(request(id, { model: 'split', features: { hour: 1, distance: 1 } }));
      return (await installation.answers.scoredOf(id)).assignmentRevision;
    }, { timeout: 10_000 }).toBe(2);
    const second = await versionsByKey('second');
    for (const [key, version] of first) if (version !== '1') expect(second.get(key)).toBe(version);
    for (const [key, version] of second) expect(version).toBe(armOf(key, arms(0.2, 0.5)));
  });

  it('share requests without a routing key by their ids', async () => {
    const ids = Array.from({ length: 200 }, (_, index) => `keyless-${index}`);
    await installation.send(...ids.map((id) => request(id, { model: 'split', version: undefined, features: { hour: 1, distance: 1 } })));
    const versions = await Promise.all(ids.map(async (id) => (await installation.answers.scoredOf(id)).version));
    expect(new Set(versions)).toEqual(new Set(['1', '2', '3']));
  });

  it('read a matrix by the champion’s signature, which is what callers know', async () => {
    const { model_version: answering, outputs } = await inferred('reordered', [matrix([2, 30])]);
    expect(answering).toBe('2');
    expect(outputs[0]!.data[0]).toBeCloseTo(logisticScore([30, 2], 2), 6);
  });
});
