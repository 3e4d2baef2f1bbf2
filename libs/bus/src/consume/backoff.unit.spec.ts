import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, pauseFor } from './backoff.js';

describe('back-off', () => {
  it('doubles from 50 ms, ends at 5 s, and spreads by a fifth', () => {
    expect([1, 2, 3, 7, 8, 100].map((attempt) => backoffMs(attempt, 0.5))).toEqual([50, 100, 200, 3_200, 5_000, 5_000]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const middle = backoffMs(attempt, 0.5);
        expect(Math.abs(backoffMs(attempt, random) - middle)).toBeLessThanOrEqual(middle * 0.2 + 1);
      }),
    );
  });

  it('ends at once when aborted', async () => {
    const abort = new AbortController();
    const paused = pauseFor(60_000, abort.signal);
    abort.abort();
    await paused;
    await pauseFor(60_000, abort.signal);
  });
});
