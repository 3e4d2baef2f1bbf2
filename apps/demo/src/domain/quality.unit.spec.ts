import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveQuality, qualityOf } from './quality.js';

describe('LiveQuality', () => {
  it('says of outcomes as they come what is said of all at once', () => {
    const outcome = fc.tuple(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 1 }));
    fc.assert(fc.property(fc.array(outcome, { minLength: 1 }), (outcomes) => {
      const live = new LiveQuality();
      const scores = outcomes.map(([score]) => (score + 0.5) / 10_000);
      outcomes.forEach(([, label], row) => live.add(scores[row]!, label === 1));
      const { logLoss: _, ...expected } = qualityOf(scores, Uint8Array.from(outcomes, ([, label]) => label));
      const report = live.report();
      for (const name of Object.keys(expected) as (keyof typeof expected)[]) {
        if (Number.isNaN(expected[name])) expect(report[name]).toBeNaN();
        else expect(report[name]).toBeCloseTo(expected[name], 9);
      }
    }));
  });

  it('knows no AUC before both outcomes have come', () => {
    const live = new LiveQuality();
    live.add(1, true);
    expect(live.report()).toMatchObject({ count: 1, auc: Number.NaN, brier: 0 });
  });
});
