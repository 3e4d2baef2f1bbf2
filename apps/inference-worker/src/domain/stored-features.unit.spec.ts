import type { FeatureSpec } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNewer, planLookups, storedRow, type StoredValues } from './stored-features.js';

const stored = (name: string, view: string, entityRole: string, maxAgeSeconds?: number): FeatureSpec => ({
  name, kind: 'numeric', from: { view, viewVersion: 1, feature: 'delay', entityRole, ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }) },
});
const entities = { origin: 'airport', destination: 'airport', carrier: 'airline' };
const at = (eventTimeMs: number, sequence: number): StoredValues => ({ values: {}, eventTimeMs, sequence });

it('lets one of two different states win, whatever the order in which they come', () => {
  const states = fc.record({ eventTimeMs: fc.nat(3), sequence: fc.nat(3) }).map(({ eventTimeMs, sequence }) => at(eventTimeMs, sequence));
  fc.assert(
    fc.property(fc.array(states, { minLength: 1 }), (all) => {
      const fold = (order: StoredValues[]): StoredValues => order.reduce((held, next) => (isNewer(next, held) ? next : held));
      expect(fold(all)).toMatchObject({ eventTimeMs: fold(all.toReversed()).eventTimeMs, sequence: fold(all.toReversed()).sequence });
    }),
  );
});

describe('lookups', () => {
  it('read a view once a role, and name the role only where a view is read in several', () => {
    const features = [stored('a', 'airports', 'origin'), stored('b', 'airports', 'destination'), stored('c', 'airlines', 'carrier'), stored('d', 'airlines', 'carrier')];
    expect(planLookups({ features, entities }).map(({ label, keyPrefix, features: of }) => [label, keyPrefix, of.map(({ index }) => index)])).toEqual([
      ['airports/origin', 'airports@1|airport|', [0]],
      ['airports/destination', 'airports@1|airport|', [1]],
      ['airlines', 'airlines@1|airline|', [2, 3]],
    ]);
  });

  it('refuse a role that no entity type is known for', () => {
    expect(() => planLookups({ features: [stored('a', 'airports', 'alternate')], entities })).toThrow(/“alternate”/);
  });

  it('take a value only up to its maximum age before the request’s event time, and report the age either way', () => {
    const lookups = planLookups({ features: [stored('a', 'airports', 'origin', 60), stored('b', 'airports', 'origin')], entities });
    const found = [{ values: { delay: 7 }, eventTimeMs: 1_000_000, sequence: 0 }];
    expect(storedRow(lookups, found, 2, 1_060_000)).toEqual({ values: [7, 7], ageSeconds: { airports: 60 } });
    expect(storedRow(lookups, found, 2, 1_060_001)).toEqual({ values: [undefined, 7], ageSeconds: { airports: 60.001 } });
    expect(storedRow(lookups, [undefined], 2, 0)).toEqual({ values: [undefined, undefined], ageSeconds: undefined });
  });
});
