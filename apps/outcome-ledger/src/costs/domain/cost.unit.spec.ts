import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, FOR_EVER_DAYS, usageOf } from './cost.js';
import { recordOfScored } from '../../domain/prediction.js';
import { scored } from '../../testing/events.js';
import type { Event } from '@throughline/contracts';

const prices = { featureReadMicroUsd: 0.02, storageGbMonthMicroUsd: 115_000, retentionDays: 90 };
const recordOf = (over: Parameters<typeof scored>[1]) => recordOfScored({ data: scored('r', over), message: { topic: 'prediction.scored.v1', partition: 0, offset: '0', timestampMs: 0 } } as Event<'prediction.scored.v1'>, undefined);

describe('what an answer costs', () => {
  it('is its compute, its reads of features and its bytes for as long as they are kept', () => {
    expect(costOf({ computeMicroUsd: 0.5, viewsRead: 3, sizeBytes: 1_000 }, prices)).toEqual({ computeMicroUsd: 0.5, featuresMicroUsd: 0.06, storageMicroUsd: expect.closeTo((1_000 / 1e9) * 115_000 * 3, 12), totalMicroUsd: expect.closeTo(0.56 + 0.345, 12) });
  });

  it('says nothing of a compute that nobody measured', () => {
    expect(costOf({ computeMicroUsd: undefined, viewsRead: 0, sizeBytes: 0 }, prices)).toMatchObject({ computeMicroUsd: undefined, totalMicroUsd: 0 });
  });

  it('of a row that is kept for ever is reckoned with a year', () => {
    const usage = { computeMicroUsd: 0, viewsRead: 0, sizeBytes: 2_000 };
    expect(costOf(usage, { ...prices, retentionDays: 0 })).toEqual(costOf(usage, { ...prices, retentionDays: FOR_EVER_DAYS }));
  });

  it('is the sum of its parts, grows with each of them, and is never negative', () => {
    const usage = fc.record({ computeMicroUsd: fc.double({ min: 0, max: 1e6, noNaN: true }), viewsRead: fc.nat(100), sizeBytes: fc.nat(1e6) });
    fc.assert(fc.property(usage, (one) => {
      const cost = costOf(one, prices);
      expect(cost.totalMicroUsd).toBeCloseTo(one.computeMicroUsd + cost.featuresMicroUsd + cost.storageMicroUsd, 9);
      expect(costOf({ ...one, viewsRead: one.viewsRead + 1, sizeBytes: one.sizeBytes + 1 }, prices).totalMicroUsd).toBeGreaterThan(cost.totalMicroUsd);
      expect(cost.totalMicroUsd).toBeGreaterThanOrEqual(0);
    }));
  });
});

describe('what an answer took', () => {
  it('counts the views that were read and grows with its features and texts', () => {
    const small = usageOf(recordOf({ costMicroUsd: 0.25, features: { values: [1], ageSeconds: { airport: 1, weather: 2 } } }))!;
    expect(small).toMatchObject({ computeMicroUsd: 0.25, viewsRead: 2 });
    const large = usageOf(recordOf({ features: { values: Array.from({ length: 100 }, (_, index) => index) }, routingKey: 'k'.repeat(50) }))!;
    expect(large).toMatchObject({ computeMicroUsd: undefined, viewsRead: 0 });
    expect(large.sizeBytes).toBeGreaterThan(small.sizeBytes + 99 * 4);
  });
});
