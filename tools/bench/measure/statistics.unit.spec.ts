import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpenLoopRun } from '../load/open-loop.ts';
import { median, percentilesOf, ratiosOf } from './statistics.ts';

describe('percentiles', () => {
  it('are values that occurred, at the nearest rank', () => {
    const { p50Ms, p90Ms, p99Ms, maxMs, count } = percentilesOf(Array.from({ length: 100 }, (_, index) => 100 - index));
    expect({ p50Ms, p90Ms, p99Ms, maxMs, count }).toEqual({ p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100, count: 100 });
  });

  it('never fall as the share rises, and lie within the values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const { p50Ms, p90Ms, p99Ms, p999Ms, maxMs } = percentilesOf(values);
        const ordered = [Math.min(...values), p50Ms, p90Ms, p99Ms, p999Ms, maxMs];
        expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
        expect(maxMs).toBe(Math.max(...values));
      }),
    );
  });

  it('leave out what was never answered, which is counted elsewhere', () => {
    expect(percentilesOf([1, Number.NaN, 3])).toMatchObject({ count: 2, maxMs: 3 });
  });
});

describe('an open-loop run', () => {
  it('charges a stall to the requests that should have left during it', () => {
    const run = new OpenLoopRun(100, 300);
    run.latencyMs.fill(1);
    run.latencyMs.fill(1000, 100, 200);
    expect(run.percentiles(0, 1).maxMs).toBe(1);
    expect(run.percentiles(1, 2).p50Ms).toBe(1000);
    expect(run.percentiles(2).maxMs).toBe(1);
  });

  it('counts what was answered, and copies apart from it', () => {
    const run = new OpenLoopRun(10, 3);
    run.answers.set([1, 3, 0]);
    expect([run.answered, run.duplicates]).toEqual([2, 2]);
  });
});

it('a ratio is taken round by round', () => {
  expect(ratiosOf([10, 40], [10, 20])).toEqual({ median: 1.5, min: 1, max: 2 });
  expect(median([3, 1, 2])).toBe(2);
});
