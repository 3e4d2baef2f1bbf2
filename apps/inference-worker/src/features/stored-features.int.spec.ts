import { encodeEvent, type PredictionScored } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { FeatureServer } from '../testing/feature-server.js';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, signature } from '../testing/models.js';

const delayOf = (entityRole: string, more: object = {}) => ({ view: 'airport_delay', viewVersion: 2, feature: 'mean_delay', entityRole, ...more });
const features = [
  numeric('hour'),
  numeric('origin_delay', { from: delayOf('origin') }),
  numeric('destination_delay', { from: delayOf('destination', { maxAgeSeconds: 3600 }), default: -1 }),
];
const entities = { origin: 'airport', destination: 'airport' };
const AT = '2001-02-03T04:00:00Z';
const HOUR_BEFORE = '2001-02-03T03:00:00Z';

let installation: Installation;
let store: FeatureServer;
let worker: RunningService;
let nextId = 0;

beforeAll(async () => {
  [installation, store] = await Promise.all([Installation.create(), FeatureServer.start()]);
  await installation.deploy({ model: 'flights', revision: 1, champion: installation.version('1', logistic(features), signature(features, { entities })) });
  worker = await installation.startWorker({ FEATURE_STORE_URL: store.url, FEATURE_STORE_TIMEOUT_MS: '300' });
}, 60_000);

afterAll(async () => {
  await worker?.close();
  store?.close();
  await installation?.close();
});

beforeEach(() => {
  store.asked.length = 0;
  store.hangs = false;
});

const has = (airport: string, mean_delay: number, eventTime = HOUR_BEFORE, sequence = 1) => store.stored.set(airport, { values: { mean_delay }, eventTime, sequence });
const update = (entityId: string, mean_delay: number, eventTime: string, sequence: number) =>
  installation.updateFeatures({ view: 'airport_delay', viewVersion: 2, entityType: 'airport', entityId, values: { mean_delay }, eventTime, sequence });

async function send(flights: { origin: string; destination: string; occurredAt?: string; features?: object }[]): Promise<string[]> {
  const ids = flights.map(() => `stored-${nextId++}`);
  await installation.send(...flights.map(({ occurredAt = AT, features: given = {}, ...of }, index) => {
    const data = { model: 'flights', features: { hour: 7, ...given }, entities: of, occurredAt };
    return { topic: 'prediction.requested.v1' as const, key: 'one partition', ...encodeEvent('prediction.requested.v1', { id: ids[index]!, source: '/test', timeMs: Date.parse(occurredAt), data }) };
  }));
  return ids;
}

async function score(origin: string, destination: string, more: object = {}): Promise<PredictionScored> {
  const [id] = await send([{ origin, destination, ...more }]);
  return installation.answers.scoredOf(id!);
}

it('fills stored features by entity and role, and records their ages against the request’s event time', async () => {
  has('SFO', 12);
  has('JFK', 34, '2001-02-03T03:30:00Z');
  const scored = await score('SFO', 'JFK');
  expect(scored.features).toEqual({ values: [7, 12, 34], ageSeconds: { 'airport_delay/origin': 3600, 'airport_delay/destination': 1800 } });
  expect(store.asked).toEqual([{ features: ['airport_delay@2:mean_delay'], entities: { airport: ['SFO', 'JFK'] }, full_feature_names: false }]);
});

it('asks the store once for all misses of a batch, and not at all for what it holds', async () => {
  const airports = Array.from({ length: 20 }, (_, index) => `A${index}`);
  airports.forEach((airport, index) => has(airport, index));
  const flights = Array.from({ length: 200 }, (_, index) => ({ origin: airports[index % 20]!, destination: airports[(index * 7) % 20]! }));
  for (const id of await send(flights)) await installation.answers.scoredOf(id);
  const requests = store.asked.length;
  expect(requests).toBeLessThanOrEqual(3);
  expect(store.asked.flatMap(({ entities: { airport } }) => airport!).sort()).toEqual(airports.toSorted());
  for (const id of await send(flights)) await installation.answers.scoredOf(id);
  expect(store.asked).toHaveLength(requests);
});

it('prefers the request’s own values and then asks nobody', async () => {
  const scored = await score('NEW1', 'NEW2', { features: { origin_delay: 1, destination_delay: 2 } });
  expect(scored.features).toEqual({ values: [7, 1, 2] });
  expect(store.asked).toEqual([]);
});

it('counts what is older than the feature allows as missing: then the default', async () => {
  has('OLD', 50, '2001-02-03T02:59:59Z');
  expect((await score('OLD', 'OLD')).features).toMatchObject({ values: [7, 50, -1], defaulted: [2] });
});

it('follows updates of what it holds, and never goes back to an older event time or sequence', async () => {
  has('LAX', 1);
  await score('LAX', 'LAX');
  await update('LAX', 2, AT, 5);
  await expect.poll(async () => (await score('LAX', 'LAX')).features.values[1]).toBe(2);
  await update('LAX', 3, AT, 4);
  await update('LAX', 4, HOUR_BEFORE, 9);
  await update('BOS', 0, AT, 1);
  await update('LAX', 5, AT, 6);
  await expect.poll(async () => (await score('LAX', 'LAX')).features.values[1]).toBe(5);
  const seen = installation.answers.scored.filter(({ data }) => data.entities?.['origin'] === 'LAX').map(({ data }) => data.features.values[1]);
  expect(seen).not.toContain(3);
  expect(seen).not.toContain(4);
  expect(store.asked).toHaveLength(1);
});

it('remembers that an entity is absent, until an update says otherwise', async () => {
  const absent = async () => installation.answers.rejectedOf((await send([{ origin: 'NONE', destination: 'NONE' }]))[0]!);
  expect(await absent()).toMatchObject({ code: 'feature_missing', reason: expect.stringContaining('origin_delay') });
  await absent();
  expect(store.asked).toHaveLength(1);
  await update('NONE', 9, AT, 1);
  await expect.poll(async () => {
    const [id] = await send([{ origin: 'NONE', destination: 'NONE' }]);
    return installation.answers.until('an answer', () => [...installation.answers.scored, ...installation.answers.rejected].find(({ data }) => data.requestId === id)?.data);
  }).toMatchObject({ features: { values: [7, 9, 9] } });
});

it('waits for a silent store only so long; its features then count as missing, and are asked for again', async () => {
  has('SLOW', 8);
  store.hangs = true;
  const [id] = await send([{ origin: 'SLOW', destination: 'SLOW' }]);
  expect(await installation.answers.rejectedOf(id!)).toMatchObject({ code: 'feature_missing' });
  store.hangs = false;
  expect((await score('SLOW', 'SLOW')).features.values).toEqual([7, 8, 8]);
});
