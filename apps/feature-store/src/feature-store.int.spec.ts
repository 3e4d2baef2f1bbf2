import { randomUUID } from 'node:crypto';
import type { Bus } from '@throughline/bus';
import { featureKey, type WireMessage } from '@throughline/contracts';
import { WindowedAggregator, type FeatureViewDefinition, type ObservedEvent } from '@throughline/features';
import { startService, type RunningService } from '@throughline/http';
import { createLogger } from '@throughline/telemetry';
import { busOf, eventually, newInstallation } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from './config.js';
import { featureStore } from './service.js';
import { allConsumed, readUpdates, sendObserved, withIds } from './testing/harness.js';

const T0 = Date.UTC(2001, 0, 15);
const AIRPORTS = Array.from({ length: 40 }, (_, i) => `A${i}`);
const features = [
  { name: 'departures', event: 'departed', aggregate: 'count' as const, windowSeconds: 3600 },
  { name: 'mean_delay', event: 'departed', aggregate: 'mean' as const, field: 'delay', windowSeconds: 3600, default: 0 },
  { name: 'max_delay', event: 'departed', aggregate: 'max' as const, field: 'delay', windowSeconds: 900 },
  { name: 'last_gate', event: 'landed', aggregate: 'last' as const, field: 'gate', windowSeconds: 7200 },
];

let env: Record<string, string>;
let bus: Bus;
let service: RunningService;

beforeAll(async () => {
  env = newInstallation();
  bus = busOf(env);
  await bus.admin.createTopics();
  service = await startService({ ...featureStore(readSettings({ ...env, PORT: '0' })), logger: createLogger('feature-store', { level: 'silent' }) });
  expect((await put('traffic', { entityType: 'airport', features })).status).toBe(201);
}, 60_000);
afterAll(async () => {
  await service?.close();
  await bus?.close();
});

const call = async (method: string, path: string, body: unknown) => {
  const response = await fetch(`${service.url}${path}`, { method, headers: { 'content-type': 'application/json' }, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const put = (name: string, body: unknown) => call('PUT', `/features/v1/views/${name}`, body);
const online = (body: unknown) => call('POST', '/get-online-features', body);
const view = (version: number): FeatureViewDefinition => ({ name: 'traffic', version, entityType: 'airport', features });

/** Events in roughly rising order: each up to ten minutes late. */
function someEvents(count: number, startMs: number): ObservedEvent[] {
  return Array.from({ length: count }, (_, i): ObservedEvent => ({
    entityId: AIRPORTS[(i * 7919) % AIRPORTS.length]!,
    event: i % 3 === 0 ? 'landed' : 'departed',
    occurredAtMs: startMs + i * 3000 - ((i * 104_729) % 600_000),
    values: { delay: ((i * 31) % 240) - 20, gate: `G${i % 50}` },
  }));
}

describe('feature.observed to feature.updated', () => {
  const events = withIds(someEvents(3000, T0));
  const expected = new WindowedAggregator(view(1));
  for (const event of events) expected.add(event);

  it('publishes the values that the same definition gives in training', async () => {
    await sendObserved(bus, events);
    await allConsumed(bus);
    await eventually('all updates are published', async () => ((await readUpdates(bus)).last.size === AIRPORTS.length ? true : undefined));
    const last = await eventually('the last update of each airport is published', async () => {
      const { last: updates } = await readUpdates(bus);
      return AIRPORTS.every((id) => updates.get(featureKey('traffic', 1, 'airport', id))?.sequence === expected.current(id)!.sequence) ? updates : undefined;
    });
    for (const id of AIRPORTS) {
      const { values, eventTimeMs } = expected.current(id)!;
      expect(last.get(featureKey('traffic', 1, 'airport', id))).toMatchObject({ values, eventTime: new Date(eventTimeMs).toISOString() });
    }
  });

  it('answers with the same values online', async () => {
    const { body } = await online({ features: features.map(({ name }) => `traffic:${name}`), entities: { airport: AIRPORTS } });
    const results = body['results'] as { values: unknown[]; sequences?: number[] }[];
    features.forEach(({ name }, column) => {
      expect(results[column + 1]!.values).toEqual(AIRPORTS.map((id) => expected.current(id)!.values[name]));
    });
  });

  it('counts a second copy of every event for nothing', async () => {
    const before = await readUpdates(bus);
    await sendObserved(bus, events);
    const probe = withIds([{ entityId: 'PROBE', event: 'departed', occurredAtMs: T0, values: { delay: 1 } }]);
    await sendObserved(bus, probe);
    await allConsumed(bus);
    const after = await eventually('the probe is published', async () => {
      const updates = await readUpdates(bus);
      return updates.last.has(featureKey('traffic', 1, 'airport', 'PROBE')) ? updates : undefined;
    });
    expect(after.count).toBe(before.count + 1);
    for (const id of AIRPORTS) expect(after.last.get(featureKey('traffic', 1, 'airport', id))?.sequence).toBe(expected.current(id)!.sequence);
  });

  it('counts every event of an entity whose events come on several partitions at once', async () => {
    const scattered = withIds(Array.from({ length: 4000 }, (_, i) => ({ entityId: `S${i % 5}`, event: 'departed', occurredAtMs: T0 + i * 500, values: { delay: i % 90 } })));
    const whole = new WindowedAggregator(view(1));
    for (const event of scattered) whole.add(event);
    await sendObserved(bus, scattered, ({ id }) => id);
    await allConsumed(bus);
    const ids = ['S0', 'S1', 'S2', 'S3', 'S4'];
    const { body } = await online({ features: ['traffic:departures', 'traffic:mean_delay', 'traffic:max_delay'], entities: { airport: ids } });
    const [, ...columns] = body['results'] as { values: unknown[]; sequences: number[] }[];
    expect(columns.map(({ values }) => values)).toEqual(['departures', 'mean_delay', 'max_delay'].map((name) => ids.map((id) => whole.current(id)!.values[name])));
    expect(columns[0]!.sequences).toEqual([800, 800, 800, 800, 800]);
  });

  it('counts two events of one id from two sources as two', async () => {
    const id = randomUUID();
    const value = (source: string) => JSON.stringify({
      specversion: '1.0', type: 'feature.observed', source, id,
      data: { entityType: 'airport', entityId: 'TWICE', event: 'departed', values: { delay: 1 }, occurredAt: new Date(T0).toISOString() },
    });
    await bus.producer.sendAll(['/one', '/two', '/one'].map((source) => ({ topic: 'feature.observed.v1', key: 'TWICE', value: value(source) })));
    await allConsumed(bus);
    const { body } = await online({ features: ['traffic:departures'], entities: { airport: ['TWICE'] } });
    expect((body['results'] as { values: unknown[] }[])[1]!.values).toEqual([2]);
  });

  it('never lets an older event overwrite a newer one', async () => {
    const landed = (occurredAtMs: number, gate: string) => ({ entityId: 'OLD', event: 'landed', occurredAtMs, values: { gate } });
    await sendObserved(bus, withIds([landed(T0, 'new'), landed(T0 - 60_000, 'older'), landed(T0 - 400 * 24 * 3600_000, 'ancient')]));
    await allConsumed(bus);
    const { body } = await online({ features: ['traffic:last_gate'], entities: { airport: ['OLD'] } });
    expect((body['results'] as object[])[1]).toEqual({ values: ['new'], statuses: ['PRESENT'], event_timestamps: [new Date(T0).toISOString()], sequences: [2] });
  });

  it('gives garbage and impossible times to the dead letters and loses nothing else', async () => {
    const bare = (occurredAt: string) => JSON.stringify({ entityType: 'airport', entityId: 'GOOD', event: 'departed', occurredAt });
    const garbage = [Buffer.from([0xff, 0x00]), '{"entityType":"airport"}', bare(new Date(Date.now() + 24 * 3600_000).toISOString())];
    await bus.producer.sendAll([...garbage, bare(new Date(T0).toISOString())].map((value) => ({ topic: 'feature.observed.v1', key: 'GOOD', value })));
    await allConsumed(bus);
    const letters: WireMessage[] = [];
    await bus.admin.scan('dead-letter.v1', (messages) => void letters.push(...messages));
    expect(letters.map(({ value }) => value)).toEqual(garbage.map((value) => Buffer.from(value as string)));
    const { body } = await online({ features: ['traffic:departures'], entities: { airport: ['GOOD'] } });
    expect((body['results'] as { values: unknown[] }[])[1]!.values).toEqual([1]);
  });
});

describe('views over HTTP', () => {
  it('makes a new version only of a changed definition, and goes on computing the old one', async () => {
    const unchanged = await put('traffic', { entityType: 'airport', features });
    expect([unchanged.status, unchanged.body['version']]).toEqual([200, 1]);
    const changed = await put('traffic', { entityType: 'airport', features: features.slice(0, 1), maxAgeSeconds: 3600 });
    expect([changed.status, changed.body['version']]).toEqual([201, 2]);
    await sendObserved(bus, withIds([{ entityId: 'BOTH', event: 'departed', occurredAtMs: T0, values: { delay: 5 } }]));
    await allConsumed(bus);
    const { body } = await online({ features: ['traffic@1:mean_delay', 'traffic@2:departures'], entities: { airport: ['BOTH'] }, as_of: '2001-01-15T00:30:00Z' });
    expect((body['results'] as { values: unknown[] }[]).map(({ values }) => values[0])).toEqual(['BOTH', 5, 1]);
  });

  it('withholds what is older than the view allows', async () => {
    const { body } = await online({ features: ['traffic:departures'], entities: { airport: ['BOTH'] }, full_feature_names: true });
    expect(body).toMatchObject({ metadata: { feature_names: ['airport', 'traffic__departures'] } });
    expect((body['results'] as object[])[1]).toMatchObject({ values: [null], statuses: ['OUTSIDE_MAX_AGE'] });
  });

  it('gives one version to two definitions that arrive together and are the same', async () => {
    const both = await Promise.all([1, 2, 3, 4].map(() => put('together', { entityType: 'airport', features })));
    expect(both.map(({ body }) => body['version'])).toEqual([1, 1, 1, 1]);
    expect(both.filter(({ status }) => status === 201)).toHaveLength(1);
  });

  it.each([
    ['PUT', '/features/v1/views/bad', { entityType: 'airport', features: [{ name: 'x', event: 'e', aggregate: 'mean', windowSeconds: 60 }] }, 400, 'invalid_request', 'features[0].field is needed by mean'],
    ['PUT', '/features/v1/views/bad', { entityType: 'airport' }, 400, 'invalid_request', 'features'],
    ['POST', '/get-online-features', { features: ['nothing:x'], entities: { airport: ['ATL'] } }, 404, 'not_found', 'there is no feature view nothing'],
    ['POST', '/get-online-features', { features: 'traffic:departures', entities: {} }, 400, 'invalid_request', 'features must be a list'],
    ['POST', '/get-online-features', [], 400, 'invalid_request', 'the body must be an object'],
    ['POST', '/push', { push_source_name: 'unheard', df: {} }, 404, 'not_found', 'no feature view aggregates events called unheard'],
    ['POST', '/push', { push_source_name: 'departed', df: { airport: ['ATL'] } }, 400, 'invalid_request', 'df needs the column event_timestamp'],
    ['POST', '/push', { push_source_name: 'departed', df: {}, to: 'offline' }, 400, 'invalid_request', 'there is no offline store'],
    ['GET', '/features/v1/views/nothing', undefined, 404, 'not_found', 'there is no feature view nothing'],
  ])('answers %s %s %j with a problem that says why', async (method, path, body, status, code, detail) => {
    const answer = await call(method, path, body);
    expect(answer).toMatchObject({ status, body: { code, detail: expect.stringContaining(detail) } });
  });
});

describe('push', () => {
  it('can be read at once, is published, and never overwrites newer with older', async () => {
    const push = (gate: string, at: string) => call('POST', '/push', { push_source_name: 'landed', to: 'online', df: { airport: ['PUSH'], event_timestamp: [at], gate: [gate] } });
    expect((await push('G1', '2001-01-15T10:00:00Z')).body).toEqual({ status: 'ok', applied: 1, late: 0 });
    expect((await push('G0', '2001-01-15T09:00:00Z')).body).toEqual({ status: 'ok', applied: 1, late: 0 });
    expect((await push('GX', '1999-01-15T09:00:00Z')).body).toEqual({ status: 'ok', applied: 0, late: 1 });
    const { body } = await online({ features: ['traffic@1:last_gate'], entities: { airport: ['PUSH'] } });
    expect((body['results'] as object[])[1]).toMatchObject({ values: ['G1'], event_timestamps: ['2001-01-15T10:00:00.000Z'] });
    const key = featureKey('traffic', 1, 'airport', 'PUSH');
    const update = await eventually('the push is published', async () => (await readUpdates(bus)).last.get(key));
    expect(update.values['last_gate']).toBe('G1');
  });
});
