import { CompiledView, WindowedAggregator, type EntityWindowsState, type FeatureViewDefinition } from '@throughline/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEvents, entityKeyText, touchedEntities, type EntityEvent } from './apply-events.js';

const T0 = Date.UTC(2001, 0, 1);
const traffic = (version: number, windowSeconds: number): FeatureViewDefinition => ({
  name: 'traffic', version, entityType: 'airport',
  features: [{ name: 'departures', event: 'departed', aggregate: 'count', windowSeconds }, { name: 'delay', event: 'departed', aggregate: 'sum', field: 'delay', windowSeconds }],
});
const views = [new CompiledView(traffic(1, 3600)), new CompiledView(traffic(2, 600))];
const anyEvent: fc.Arbitrary<EntityEvent> = fc.record({
  entityType: fc.constantFrom('airport', 'carrier'), entityId: fc.constantFrom('ATL', 'SFO', 'JFK'),
  event: fc.constantFrom('departed', 'landed'), occurredAtMs: fc.integer({ min: T0, max: T0 + 7200_000 }),
  values: fc.record({ delay: fc.integer({ min: -60, max: 500 }) }),
});

describe('applyEvents', () => {
  it('gives the same values however the events are cut into batches', () => {
    fc.assert(
      fc.property(fc.array(fc.array(anyEvent, { maxLength: 12 }), { maxLength: 6 }), (batches) => {
        const states = new Map<string, EntityWindowsState>();
        const published = new Map<string, unknown>();
        for (const batch of batches) {
          for (const update of applyEvents(views, batch, states).updates) {
            states.set(entityKeyText(update), JSON.parse(JSON.stringify(update.state)));
            published.set(entityKeyText(update), update.current);
          }
        }
        for (const { definition } of views) {
          const whole = new WindowedAggregator(definition);
          for (const event of batches.flat()) if (event.entityType === 'airport') whole.add(event);
          for (const entityId of ['ATL', 'SFO', 'JFK']) {
            expect(published.get(entityKeyText({ view: 'traffic', version: definition.version, entityId }))).toEqual(whole.current(entityId));
          }
        }
      }),
    );
  });

  it('publishes one update an entity and view, whatever the number of its events', () => {
    const events = Array.from({ length: 50 }, (_, i): EntityEvent => ({ entityType: 'airport', entityId: 'ATL', event: 'departed', occurredAtMs: T0 + i }));
    const { updates, applied } = applyEvents(views, events, new Map());
    expect(applied).toBe(50);
    expect(updates.map(({ version, current }) => [version, current.values['departures'], current.sequence])).toEqual([[1, 50, 50], [2, 50, 50]]);
  });

  it('publishes nothing for events that are too late for every window, or that no view asks for', () => {
    const at = (occurredAtMs: number, event = 'departed'): EntityEvent => ({ entityType: 'airport', entityId: 'ATL', event, occurredAtMs });
    const first = applyEvents(views, [at(T0)], new Map());
    const states = new Map(first.updates.map((update) => [entityKeyText(update), update.state]));
    expect(applyEvents(views, [at(T0 - 3600_000), at(T0, 'landed')], states)).toEqual({ updates: [], applied: 0, late: 1 });
    expect(applyEvents(views, [at(T0 - 1200_000)], states).updates.map(({ version }) => version)).toEqual([1]);
  });

  it('names each state it needs once, in one order for everybody', () => {
    fc.assert(
      fc.property(fc.array(anyEvent), (events) => {
        const keys = touchedEntities(views, events).map(entityKeyText);
        expect(keys).toEqual([...new Set(keys)].sort());
        expect(touchedEntities(views, [...events].reverse()).map(entityKeyText)).toEqual(keys);
      }),
    );
  });
});
