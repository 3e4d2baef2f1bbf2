import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReorderWindow } from './window.js';

describe('the reorder window', () => {
  const arrivals = fc.integer({ min: 0, max: 60 }).chain((count) => fc.tuple(fc.constant(count), fc.shuffledSubarray(Array.from({ length: count }, (_, row) => row), { minLength: count, maxLength: count })));

  it('releases every row once and in order, however they come and however often', () => {
    fc.assert(fc.property(arrivals, fc.integer({ min: 0, max: 10 }), ([count, order], first) => {
      const window = new ReorderWindow<number>(first);
      const released = [...order, ...order].flatMap((row) => window.settle(row + first, row + first, 1));
      expect(released).toEqual(Array.from({ length: count }, (_, row) => row + first));
      expect([window.next, window.heldSize]).toEqual([first + count, 0]);
    }));
  });

  it('holds nothing but what has come too early', () => {
    fc.assert(fc.property(arrivals, ([, order]) => {
      const window = new ReorderWindow<number>(0);
      const come = new Set<number>();
      for (const row of order) {
        window.settle(row, row, row + 1);
        come.add(row);
        const early = [...come].filter((one) => one >= window.next);
        expect(window.heldSize).toBe(early.reduce((sum, one) => sum + one + 1, 0));
      }
    }));
  });

  it('keeps the first of two that come for one row', () => {
    const window = new ReorderWindow<string>(0);
    expect(window.settle(1, 'first', 1)).toEqual([]);
    expect(window.settle(1, 'second', 1)).toEqual([]);
    expect(window.settle(0, 'a', 1)).toEqual(['a', 'first']);
    expect(window.settle(0, 'late', 1)).toEqual([]);
  });
});
