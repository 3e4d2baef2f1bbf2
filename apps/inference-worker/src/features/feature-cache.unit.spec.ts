import { createLogger, type Logger } from '@throughline/telemetry';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planLookups, type StoredValues } from '../domain/stored-features.js';
import { FeatureCache, type Wanted } from './feature-cache.js';
import type { ViewRead } from './feature-store-client.js';

const logger = createLogger('test', { level: 'silent' });
const [lookup] = planLookups({ features: [{ name: 'delay', kind: 'numeric', from: { view: 'v', viewVersion: 1, feature: 'delay', entityRole: 'origin' } }], entities: { origin: 'airport' } });
const key = `${lookup!.keyPrefix}SFO`;
const wanted = new Map<string, Wanted>([[key, { lookup: lookup!, entityId: 'SFO' }]]);
const state = (eventTimeMs: number, sequence: number): StoredValues => ({ values: { delay: eventTimeMs * 10 + sequence }, eventTimeMs, sequence });
const push = ({ values, eventTimeMs, sequence }: StoredValues) => ({ view: 'v', viewVersion: 1, entityType: 'airport', entityId: 'SFO', values, eventTime: new Date(eventTimeMs).toISOString(), sequence });

/** A store whose answers are given by hand. */
function setUp(options: { isLagging?: () => boolean; nowMs?: () => number; logger?: Logger } = {}) {
  const reads: { wanted: ViewRead; answer: (found: StoredValues | null) => void; fail: () => void }[] = [];
  const store = {
    read: (view: ViewRead) => new Promise<Map<string, StoredValues | null>>((resolve, reject) => {
      reads.push({ wanted: view, answer: (found) => resolve(new Map(view.entityIds.map((id) => [id, found]))), fail: () => reject(new Error('down')) });
    }),
  };
  const cache = new FeatureCache({ store, maxEntries: 100, logger, isLagging: () => false, nowMs: () => 0, ...options });
  cache.register([lookup!]);
  return { cache, reads };
}

describe('the feature cache', () => {
  it('ends with the newest state, however reads and pushes overtake each other', async () => {
    const states = fc.array(fc.tuple(fc.nat(4), fc.nat(4)).map(([time, sequence]) => state(time, sequence)), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(states, fc.option(fc.tuple(fc.nat(4), fc.nat(4)).map(([time, sequence]) => state(time, sequence)), { nil: null }), states, async (during, read, after) => {
        const { cache, reads } = setUp();
        const loading = cache.load(wanted);
        for (const pushed of during) cache.apply(push(pushed));
        reads[0]!.answer(read);
        await loading;
        for (const pushed of after) cache.apply(push(pushed));
        const all = [...during, ...(read === null ? [] : [read]), ...after].sort((a, b) => a.eventTimeMs - b.eventTimeMs || a.sequence - b.sequence);
        expect(cache.get(key) ?? undefined).toEqual(all.at(-1));
      }),
    );
  });

  it('holds only what somebody asked for', () => {
    const { cache } = setUp();
    cache.apply(push(state(1, 1)));
    expect(cache.get(key)).toBeUndefined();
    expect(cache.size).toBe(0);
  });

  it('asks once for an entity that two batches miss at the same time', async () => {
    const { cache, reads } = setUp();
    const both = [cache.load(wanted), cache.load(wanted)];
    expect(reads).toHaveLength(1);
    reads[0]!.answer(state(1, 1));
    for (const loaded of await Promise.all(both)) expect(loaded.get(key)).toEqual(state(1, 1));
  });

  it('reads again what was asked for fewer features than a model that came meanwhile needs', async () => {
    const { cache, reads } = setUp();
    const loading = cache.load(wanted);
    cache.register(planLookups({ features: [{ name: 'more', kind: 'numeric', from: { view: 'v', viewVersion: 1, feature: 'more', entityRole: 'origin' } }], entities: { origin: 'airport' } }));
    reads[0]!.answer(state(1, 1));
    await expect.poll(() => reads.length).toBe(2);
    expect(reads[1]!.wanted.features).toEqual(['delay', 'more']);
    const complete = { ...state(1, 1), values: { delay: 11, more: 5 } };
    reads[1]!.answer(complete);
    await loading;
    expect(cache.get(key)).toEqual(complete);
  });

  it('counts what it holds as stale while the topic lags, and keeps it when the store is down as well', async () => {
    let lagging = false;
    let nowMs = 0;
    const { cache, reads } = setUp({ isLagging: () => lagging, nowMs: () => nowMs });
    const loading = cache.load(wanted);
    reads[0]!.answer(state(1, 1));
    await loading;
    nowMs = 5_000;
    expect(cache.get(key)).toEqual(state(1, 1));
    lagging = true;
    expect(cache.get(key)).toBeUndefined();
    const again = cache.load(wanted);
    reads[1]!.fail();
    expect((await again).get(key)).toEqual(state(1, 1));
  });

  it('remembers nothing of a failed read', async () => {
    const { cache, reads } = setUp();
    const loading = cache.load(wanted);
    reads[0]!.fail();
    expect((await loading).get(key)).toBeUndefined();
    expect(cache.get(key)).toBeUndefined();
  });

  it('says once that a view cannot be read, whatever the views beside it do, and once that it can again', async () => {
    const lines: { view: string; level: string }[] = [];
    const { cache, reads } = setUp({ logger: createLogger('test', { level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } }) });
    const good = { ...lookup!, view: 'good', keyPrefix: 'good@1|airport|' };
    cache.register([good]);
    const batch = async (isMended: boolean) => {
      reads.length = 0;
      const loading = cache.load(new Map([...wanted, [`${good.keyPrefix}SFO`, { lookup: good, entityId: 'SFO' }]]));
      for (const read of reads) if (isMended || read.wanted.view === 'good') read.answer(state(1, 1)); else read.fail();
      await loading;
    };
    for (let index = 0; index < 5; index++) await batch(false);
    expect(lines).toMatchObject([{ view: 'v', level: 'warn' }]);
    await batch(true);
    await batch(true);
    expect(lines.slice(1)).toMatchObject([{ view: 'v', level: 'info' }]);
  });

  it('reads every feature that any model needs of a view, and forgets entries that lack a new one', async () => {
    const { cache, reads } = setUp();
    const loading = cache.load(wanted);
    reads[0]!.answer(state(1, 1));
    await loading;
    cache.register([{ ...lookup!, features: [{ index: 0, feature: 'traffic', maxAgeSeconds: undefined }] }]);
    expect(cache.get(key)).toBeUndefined();
    void cache.load(wanted);
    expect(reads[1]!.wanted.features).toEqual(['delay', 'traffic']);
  });
});
