import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGGREGATES, BUCKETS_PER_WINDOW, WindowedAggregator, type FeatureScalar, type FeatureViewDefinition, type ObservedEvent } from './index.js';

const HOUR_S = 3600;
const view: FeatureViewDefinition = {
  name: 'airport_traffic', version: 1, entityType: 'airport',
  features: [
    ...AGGREGATES.map((aggregate) => ({ name: aggregate, event: 'departed', aggregate, field: 'delay', windowSeconds: HOUR_S })),
    { name: 'departures', event: 'departed', aggregate: 'count', windowSeconds: 600 },
    { name: 'landings', event: 'landed', aggregate: 'rate', windowSeconds: 7 * 60 + 0.5 },
  ],
};
const T0 = Date.UTC(2001, 0, 1);
const departed = (occurredAtMs: number, delay?: FeatureScalar): ObservedEvent => ({
  event: 'departed', entityId: 'ATL', occurredAtMs, values: delay === undefined ? undefined : { delay },
});

const values = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.constantFrom<FeatureScalar>(null, true, false, 'NaN', '12', 'text'));
const anyEvent: fc.Arbitrary<ObservedEvent> = fc.record({
  event: fc.constantFrom('departed', 'landed', 'other'),
  entityId: fc.constantFrom('ATL', 'SFO'),
  occurredAtMs: fc.integer({ min: T0, max: T0 + 2 * HOUR_S * 1000 }),
  values: fc.option(fc.record({ delay: values }), { nil: undefined }),
});

/** The documented meaning, told the long way: list the events of the window at bucket resolution, then aggregate the list. */
function bruteForce(events: readonly ObservedEvent[], entityId: string, atMs: number): Record<string, FeatureScalar> {
  const result: Record<string, FeatureScalar> = {};
  for (const { name, event, aggregate, field, windowSeconds, default: fallback } of view.features) {
    const windowMs = windowSeconds * 1000;
    const widthMs = Math.ceil(windowMs / BUCKETS_PER_WINDOW);
    const bucket = (ms: number) => Math.floor(ms / widthMs);
    const own = events.filter((e) => e.entityId === entityId && e.event === event);
    const splitBucket = own.some((e) => bucket(e.occurredAtMs) === bucket(atMs) && e.occurredAtMs > atMs);
    const inside = own.filter((e) => {
      const index = bucket(e.occurredAtMs);
      return index > bucket(atMs) - Math.floor(windowMs / widthMs) && (splitBucket ? index < bucket(atMs) : index <= bucket(atMs));
    });
    for (const e of inside) expect(e.occurredAtMs > atMs - windowMs && e.occurredAtMs <= atMs).toBe(true);
    const numbers = inside.flatMap((e) => {
      const value = field === undefined ? 1 : e.values?.[field];
      if (typeof value === 'boolean') return [Number(value)];
      return value === '12' ? [12] : typeof value === 'number' ? [value] : [];
    });
    const present = inside.filter((e) => field !== undefined && (e.values?.[field] ?? null) !== null);
    const lastMs = Math.max(...present.map((e) => e.occurredAtMs));
    const sum = numbers.reduce((a, b) => a + b, 0);
    const answer: Record<string, () => FeatureScalar> = {
      count: () => numbers.length,
      rate: () => numbers.length / windowSeconds,
      sum: () => sum,
      mean: () => (numbers.length === 0 ? null : sum / numbers.length),
      max: () => (numbers.length === 0 ? null : Math.max(...numbers)),
      last: () => present.filter((e) => e.occurredAtMs === lastMs).map((e) => e.values![field!]!).reduce(greatest, null),
    };
    result[name] = answer[aggregate]!() ?? fallback ?? null;
  }
  return result;
}

function greatest(a: FeatureScalar, b: FeatureScalar): FeatureScalar {
  if (a === null) return b;
  if (typeof a === 'number' && typeof b === 'number') return Math.max(a, b);
  return `${typeof a}:${a}` > `${typeof b}:${b}` ? a : b;
}

function fed(events: readonly ObservedEvent[]): WindowedAggregator {
  const aggregator = new WindowedAggregator(view);
  for (const event of events) aggregator.add(event);
  return aggregator;
}

describe('WindowedAggregator', () => {
  it('equals the list of events in the window, at bucket resolution, at and after the newest event', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 60 }), fc.integer({ min: 0, max: 2 * HOUR_S * 1000 }), (events, laterMs) => {
        const aggregator = fed(events);
        for (const entityId of ['ATL', 'SFO']) {
          const eventTimeMs = aggregator.current(entityId)?.eventTimeMs ?? T0;
          expect(aggregator.valuesAt(entityId, eventTimeMs + laterMs)).toEqual(bruteForce(events, entityId, eventTimeMs + laterMs));
          if (aggregator.current(entityId) !== undefined) expect(aggregator.current(entityId)!.values).toEqual(bruteForce(events, entityId, eventTimeMs));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives the same values and state whatever the order of arrival', () => {
    const shuffled = fc.array(anyEvent, { maxLength: 60 }).chain((events) =>
      fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length })));
    fc.assert(
      fc.property(shuffled, ([events, reordered]) => {
        for (const entityId of ['ATL', 'SFO']) {
          const [a, b] = [fed(events), fed(reordered)];
          expect(b.current(entityId)?.values).toEqual(a.current(entityId)?.values);
          expect(b.stateOf(entityId)?.series).toEqual(a.stateOf(entityId)?.series);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('goes on from its serialised state as if it had never stopped', () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 40 }), fc.nat(40), (events, at) => {
        const whole = fed(events);
        const first = fed(events.slice(0, at));
        const second = new WindowedAggregator(view);
        for (const entityId of ['ATL', 'SFO']) {
          const state = first.stateOf(entityId);
          if (state !== undefined) second.restore(entityId, JSON.parse(JSON.stringify(state)));
        }
        for (const event of events.slice(at)) second.add(event);
        for (const entityId of ['ATL', 'SFO']) expect(second.current(entityId)).toEqual(whole.current(entityId));
      }),
    );
  });

  it('keeps bounded memory an entity, however many events come', () => {
    const aggregator = new WindowedAggregator(view);
    for (let i = 0; i < 50_000; i += 1) aggregator.add(departed(T0 + i * 500, i));
    for (const series of aggregator.stateOf('ATL')!.series) expect(series.length).toBeLessThanOrEqual(BUCKETS_PER_WINDOW + 1);
  });

  it('never counts an event after the moment asked for, nor one a window before it', () => {
    const aggregator = fed([departed(T0, 1), departed(T0 + 1000, 2), departed(T0 + HOUR_S * 1000, 4)]);
    expect(aggregator.valuesAt('ATL', T0 + 500)['sum']).toBe(0);
    expect(aggregator.current('ATL')!.values['sum']).toBe(4);
  });

  it('leaves an event that no window reaches without effect and says so', () => {
    const aggregator = fed([departed(T0, 1)]);
    const before = aggregator.current('ATL');
    expect(aggregator.add(departed(T0 - HOUR_S * 1000, 9))).toBe('too_late');
    expect(aggregator.add({ event: 'other', entityId: 'ATL', occurredAtMs: T0 })).toBe('irrelevant');
    expect(aggregator.current('ATL')).toEqual(before);
  });

  it('raises the sequence with a late event while the event time stays', () => {
    const aggregator = fed([departed(T0, 1)]);
    expect(aggregator.add(departed(T0 - 60_000, 9))).toBe('counted');
    expect(aggregator.current('ATL')).toMatchObject({ eventTimeMs: T0, sequence: 2, values: { sum: 10, last: 1 } });
  });

  it('uses the default for empty mean, max and last, and zero for count, sum and rate', () => {
    const withDefault = { ...view, features: view.features.map((f) => ({ ...f, default: -1 })) };
    expect(new WindowedAggregator(withDefault).valuesAt('nobody', T0)).toEqual({
      count: 0, rate: 0, sum: 0, mean: -1, max: -1, last: -1, departures: 0, landings: 0,
    });
    expect(new WindowedAggregator(view).current('nobody')).toBeUndefined();
  });
});
