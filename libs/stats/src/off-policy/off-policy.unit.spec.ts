import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fixedHorizonInterval } from '../sequential/normal-mixture.js';
import { decisionPropensity, effectiveSamples, hajekDifference, hajekMean } from './inverse-propensity.js';
import { WeightedSums, type WeightedClusters } from './weighted-clusters.js';

interface Reference {
  means: (WeightedClusters & { mean: number; rawError: number; effectiveSamples: number })[];
  differences: { first: WeightedClusters; second: WeightedClusters; difference: number; rawError: number }[];
}
const reference = JSON.parse(readFileSync(new URL('../../reference/off-policy.json', import.meta.url), 'utf8')) as Reference;

describe('agrees with statsmodels’ weighted regression with cluster-robust errors', () => {
  it.each(reference.means)('on a mean of $mean', ({ mean, rawError, effectiveSamples: expected, ...weighted }) => {
    const found = hajekMean(weighted)!;
    expect(found.value).toBeCloseTo(mean, 10);
    expect(found.effectiveSamples).toBeCloseTo(expected, 8);
    expect(found.standardError * Math.sqrt(found.degrees / (found.degrees + 1))).toBeCloseTo(rawError, 10);
  });

  it.each(reference.differences)('on a difference of $difference, but for the factors of few clusters and of unequal spread', ({ first, second, difference, rawError }) => {
    const found = hajekDifference(first, second)!;
    expect(found.value).toBeCloseTo(difference, 10);
    const error = found.standardError * Math.sqrt(found.degrees / (found.degrees + 1));
    expect(error).toBeGreaterThanOrEqual(rawError * 0.999);
    expect(error / rawError).toBeLessThan(1.25);
  });
});

const value = fc.record({ cluster: fc.nat(7), reward: fc.double({ min: -10, max: 10, noNaN: true }), weight: fc.double({ min: 0.1, max: 100, noNaN: true }) });
const sumsOf = (values: readonly { cluster: number; reward: number; weight: number }[], scale = 1): WeightedSums => {
  const sums = new WeightedSums(8);
  for (const { cluster, reward, weight } of values) sums.add(cluster, reward, weight * scale);
  return sums;
};

describe('the self-normalised estimate', () => {
  it('does not change with the scale of the weights, lies between the smallest and the largest reward, and is worth no more than its samples', () => {
    fc.assert(fc.property(fc.array(value, { minLength: 1 }), fc.double({ min: 0.01, max: 100, noNaN: true }), (values, scale) => {
      const [one, other] = [hajekMean(sumsOf(values))!, hajekMean(sumsOf(values, scale))!];
      expect(other.value).toBeCloseTo(one.value, 8);
      expect(other.effectiveSamples).toBeCloseTo(one.effectiveSamples, 6);
      const rewards = values.map(({ reward }) => reward);
      expect(one.value).toBeGreaterThanOrEqual(Math.min(...rewards) - 1e-9);
      expect(one.value).toBeLessThanOrEqual(Math.max(...rewards) + 1e-9);
      expect(one.effectiveSamples).toBeLessThanOrEqual(values.length + 1e-6);
    }));
  });

  it('is the mean where all weights are equal, and is worth all of its samples', () => {
    fc.assert(fc.property(fc.array(value, { minLength: 1 }), (values) => {
      const found = hajekMean(sumsOf(values.map((one) => ({ ...one, weight: 4 }))))!;
      expect(found.value).toBeCloseTo(values.reduce((sum, { reward }) => sum + reward, 0) / values.length, 8);
      expect(found.effectiveSamples).toBeCloseTo(values.length, 8);
    }));
  });

  it('is none without weight', () => {
    expect(hajekMean(new WeightedSums(3))).toBeUndefined();
    expect(effectiveSamples(new WeightedSums(3))).toBe(0);
    expect(hajekDifference(new WeightedSums(3), sumsOf([{ cluster: 1, reward: 1, weight: 1 }]))).toBeUndefined();
  });
});

describe('the chance of a decision', () => {
  it('is at least that of the arm that answered, 1 where all decide alike, and that arm’s alone where nobody else does', () => {
    const arms = fc.array(fc.record({ propensity: fc.double({ min: 0.001, max: 1, noNaN: true }), decidesAlike: fc.boolean() }), { maxLength: 5 });
    fc.assert(fc.property(fc.double({ min: 0.001, max: 1, noNaN: true }), arms, (answered, others) => {
      const chance = decisionPropensity(answered, others);
      expect(chance).toBeGreaterThanOrEqual(answered);
      expect(chance).toBeLessThanOrEqual(1);
      if (others.length > 0) {
        expect(decisionPropensity(answered, others.map((other) => ({ ...other, decidesAlike: true })))).toBeCloseTo(1, 12);
        expect(decisionPropensity(answered, others.map((other) => ({ ...other, decidesAlike: false })))).toBeCloseTo(answered, 12);
      }
    }));
  });
});

/** Uniform numbers, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('of a canary whose share rises with the base rate', () => {
  const STEPS = [{ share: 0.05, baseRate: 0.1 }, { share: 0.25, baseRate: 0.2 }, { share: 0.5, baseRate: 0.35 }];
  const ROWS = 6_000;
  /** The canary does not change anything: whatever differs is the time at which it answered. */
  function canary(effect: number, seed: number) {
    const random = seeded(seed);
    const [weighted, pooled] = [[new WeightedSums(200), new WeightedSums(200)] as const, [new WeightedSums(200), new WeightedSums(200)] as const];
    for (const { share, baseRate } of STEPS) {
      for (let row = 0; row < ROWS; row++) {
        const isCanary = random() < share;
        const arm = isCanary ? 0 : 1;
        const reward = Number(random() < baseRate + (isCanary ? effect : 0));
        const cluster = Math.floor(random() * 200);
        weighted[arm].add(cluster, reward, 1 / (isCanary ? share : 1 - share));
        pooled[arm].add(cluster, reward);
      }
    }
    return { weighted: fixedHorizonInterval(hajekDifference(...weighted)!, 0.05), pooled: fixedHorizonInterval(hajekDifference(...pooled)!, 0.05) };
  }

  it('pooled means claim an effect that is not there; weighted ones do not', () => {
    const runs = Array.from({ length: 100 }, (_, seed) => canary(0, seed + 1));
    const covers = (intervals: readonly { low: number; high: number }[], truth: number): number => intervals.filter(({ low, high }) => low <= truth && truth <= high).length;
    expect(covers(runs.map(({ pooled }) => pooled), 0)).toBe(0);
    expect(covers(runs.map(({ weighted }) => weighted), 0)).toBeGreaterThanOrEqual(89);
  });

  it('weighted ones find the effect that is there', () => {
    const runs = Array.from({ length: 50 }, (_, seed) => canary(0.1, seed + 1000).weighted);
    expect(runs.filter(({ low, high }) => low <= 0.1 && high >= 0.1).length).toBeGreaterThanOrEqual(43);
    expect(runs.filter(({ low }) => low > 0).length).toBeGreaterThanOrEqual(48);
  });
});
