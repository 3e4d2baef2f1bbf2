import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endedShare, kaplanMeier, waitQuantile, type SurvivalGroup } from './kaplan-meier.js';

interface Reference {
  groups: SurvivalGroup[];
  times: number[];
  survival: number[];
  low: (number | null)[];
  high: (number | null)[];
  quantiles: { share: number; time: number | null }[];
}
const reference = JSON.parse(readFileSync(new URL('../reference/survival.json', import.meta.url), 'utf8')) as Reference[];

describe('agrees with SciPy and lifelines', () => {
  it.each(reference)('on the curve, its intervals and its quantiles, case %#', ({ groups, times, survival, low, high, quantiles }) => {
    const curve = kaplanMeier(groups);
    expect(curve.steps.map(({ time }) => time)).toEqual(times);
    curve.steps.forEach((step, index) => {
      expect(step.survival).toBeCloseTo(survival[index]!, 12);
      if (low[index] !== null) expect(step.low).toBeCloseTo(low[index]!, 10);
      if (high[index] !== null) expect(step.high).toBeCloseTo(high[index]!, 10);
    });
    for (const { share, time } of quantiles) expect(waitQuantile(curve, share)?.time ?? null).toBe(time);
  });
});

const count = fc.nat({ max: 50 });
const groupsOf = fc.array(fc.record({ time: fc.nat({ max: 40 }), events: count, censored: count }), { maxLength: 30 });

describe('a curve of waits', () => {
  it('falls from 1 to 0 at most, inside its interval', () => {
    fc.assert(fc.property(groupsOf, (groups) => {
      let before = 1;
      for (const { survival, low, high } of kaplanMeier(groups).steps) {
        expect(survival).toBeLessThanOrEqual(before);
        expect(low - 1e-12).toBeLessThanOrEqual(survival);
        expect(high + 1e-12).toBeGreaterThanOrEqual(survival);
        before = survival;
      }
    }));
  });

  it('is the plain share when nothing is censored', () => {
    fc.assert(fc.property(fc.array(fc.nat({ max: 40 }), { minLength: 1 }), fc.nat({ max: 40 }), (times, at) => {
      const curve = kaplanMeier(times.map((time) => ({ time, events: 1, censored: 0 })));
      expect(endedShare(curve, at)?.share).toBeCloseTo(times.filter((time) => time <= at).length / times.length, 10);
    }));
  });

  it('never takes what still goes on for something that will not end: one more censored wait cannot raise the share at any time', () => {
    fc.assert(fc.property(groupsOf, fc.nat({ max: 40 }), fc.nat({ max: 40 }), (groups, time, at) => {
      const [with1, without] = [kaplanMeier([...groups, { time, events: 0, censored: 1 }]), kaplanMeier(groups)].map((curve) => endedShare(curve, at)?.share);
      if (with1 !== undefined && without !== undefined) expect(with1).toBeLessThanOrEqual(without + 1e-12);
    }));
  });

  it('says nothing beyond what was watched', () => {
    const curve = kaplanMeier([{ time: 1, events: 1, censored: 0 }, { time: 5, events: 0, censored: 1 }]);
    expect([endedShare(curve, 0)?.share, endedShare(curve, 5)?.share, endedShare(curve, 6)]).toEqual([0, 0.5, undefined]);
    expect(waitQuantile(curve, 0.9)).toBeUndefined();
    expect(endedShare(kaplanMeier([]), 1)).toBeUndefined();
  });

  it('refuses what is no count', () => {
    expect(() => kaplanMeier([{ time: 1, events: -1, censored: 0 }])).toThrow(RangeError);
    expect(() => kaplanMeier([{ time: Number.NaN, events: 1, censored: 0 }])).toThrow(RangeError);
  });
});
