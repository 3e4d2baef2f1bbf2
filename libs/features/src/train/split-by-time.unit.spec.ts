import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitByTime } from './split-by-time.js';

const time = (row: number) => row;

describe('splitByTime', () => {
  it('holds out the latest fifth', () => {
    expect(splitByTime([5, 3, 1, 4, 2], time, 0.2)).toEqual({ train: [1, 2, 3, 4], heldOut: [5], cutMs: 5 });
  });

  it('never trains on a row as late as a held-out one, keeps every row, and holds out at least the share', () => {
    const rows = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 2 }).filter((times) => new Set(times).size > 1);
    fc.assert(fc.property(rows, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (times, fraction) => {
      try {
        const { train, heldOut, cutMs } = splitByTime(times, time, fraction);
        expect(Math.max(...train)).toBeLessThan(cutMs);
        expect(Math.min(...heldOut)).toBe(cutMs);
        expect([...train, ...heldOut]).toEqual(times.toSorted((a, b) => a - b));
        expect(heldOut.length).toBeGreaterThanOrEqual(Math.floor(times.length * fraction));
      } catch (thrown) {
        // Allowed only where the share reaches back to the first instant.
        if (!(thrown instanceof RangeError)) throw thrown;
        const first = Math.min(...times);
        expect(times.filter((at) => at === first).length).toBeGreaterThan(Math.floor(times.length * (1 - fraction)));
      }
    }));
  });

  it('refuses a split that leaves a side empty', () => {
    expect(() => splitByTime([], time, 0.5)).toThrow('no rows');
    expect(() => splitByTime([1, 1, 1], time, 0.5)).toThrow('too few instants');
    expect(() => splitByTime([1, 2], time, 0)).toThrow('fraction');
  });
});
