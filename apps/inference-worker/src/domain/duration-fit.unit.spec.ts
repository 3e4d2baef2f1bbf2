import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationFit } from './duration-fit.js';

function fitOf(runs: readonly (readonly [rows: number, ms: number])[]): DurationFit {
  const fit = new DurationFit();
  for (const [rows, ms] of runs) fit.observe(rows, ms);
  return fit;
}

describe('the duration of a run', () => {
  it('is recovered exactly from runs that lie on a line', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 10, noNaN: true }), fc.double({ min: 0, max: 50, noNaN: true }), fc.uniqueArray(fc.integer({ min: 1, max: 512 }), { minLength: 4, maxLength: 40 }), (perRowMs, fixedMs, sizes) => {
        const fit = fitOf(sizes.map((rows) => [rows, perRowMs * rows + fixedMs]));
        expect(fit.predictMs(100)).toBeCloseTo(perRowMs * 100 + fixedMs, 4);
      }),
    );
  });

  it('is never negative, whatever was seen', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 512 }), fc.double({ min: 0, max: 1000, noNaN: true })), { maxLength: 60 }), fc.integer({ min: 1, max: 4096 }), (runs, rows) => {
        const { perRowMs, fixedMs } = fitOf(runs).coefficients;
        expect(perRowMs).toBeGreaterThanOrEqual(0);
        expect(fixedMs).toBeGreaterThanOrEqual(0);
        expect(fitOf(runs).predictMs(rows)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('follows a model that becomes slower', () => {
    const fit = fitOf([...Array.from({ length: 100 }, () => [10, 1] as const), ...Array.from({ length: 200 }, () => [10, 5] as const)]);
    expect(fit.predictMs(10)).toBeGreaterThan(4.8);
  });

  it('is 0 before anything is known', () => expect(fitOf([[10, 5]]).predictMs(10)).toBe(0));
});
