import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isAlarm, windowVerdict } from './alarm.js';
import { auc, aucStandardError, binnedAuc } from './auc.js';
import { jensenShannonDistance } from './jensen-shannon.js';
import { kolmogorovSmirnov } from './kolmogorov-smirnov.js';
import { populationStabilityIndex } from './population-stability-index.js';
import { expectedCalibrationError } from './probability-scores.js';
import { freezeCategoricalProfile, freezeNumericProfile } from './profile/freeze.js';
import { groupBins, mergeProfiles } from './profile/merge.js';
import { totalCount, type FeatureProfile } from './profile/profile.js';
import { emptyWindowLike, observe } from './profile/window.js';

const value = fc.oneof(fc.constant(null), fc.integer({ min: -50, max: 50 }), fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY));
const sample = fc.array(value, { maxLength: 200 });
const filled = <P extends FeatureProfile>(baseline: P, values: readonly (number | string | null)[]): P => {
  const window = emptyWindowLike(baseline);
  for (const one of values) observe(window, one);
  return window;
};
const withoutSums = (profile: FeatureProfile) => ({ ...profile, sums: undefined });

describe('profiles', () => {
  it('count every value exactly once', () => {
    fc.assert(fc.property(sample, sample, (reference, live) => {
      const baseline = freezeNumericProfile(reference);
      expect(totalCount(baseline)).toBe(reference.length);
      expect(totalCount(filled(baseline, live))).toBe(live.length);
    }));
  });

  it('merge to what one window over everything would hold', () => {
    fc.assert(fc.property(sample, sample, sample, (reference, first, second) => {
      const baseline = freezeNumericProfile(reference);
      const merged = mergeProfiles(filled(baseline, first), filled(baseline, second));
      expect(withoutSums(merged)).toEqual(withoutSums(filled(baseline, [...first, ...second])));
      expect(withoutSums(mergeProfiles(filled(baseline, second), filled(baseline, first)))).toEqual(withoutSums(merged));
    }));
  });

  it('refuse to merge different bins', () => {
    expect(() => mergeProfiles(freezeNumericProfile([1, 2, 3]), freezeNumericProfile([4, 5, 6]))).toThrow(RangeError);
  });

  it('give 60 bins of equal mass to a continuous quantity and few to one with few values', () => {
    const continuous = freezeNumericProfile(Array.from({ length: 6000 }, (_, index) => index));
    expect(new Set(continuous.counts)).toEqual(new Set([100]));
    expect(continuous.counts).toHaveLength(60);
    expect(freezeNumericProfile([0, 0, 0, 1, 1]).counts).toEqual([3, 2]);
  });

  it('are the same for values and for their float32 roundings', () => {
    const tenths = Array.from({ length: 1000 }, (_, index) => (index % 10) / 10);
    const baseline = freezeNumericProfile(tenths);
    expect(filled(baseline, tenths.map(Math.fround)).counts).toEqual(baseline.counts);
    expect(freezeNumericProfile(tenths.map(Math.fround)).counts).toEqual(filled(freezeNumericProfile(tenths.map(Math.fround)), tenths).counts);
  });

  it('survive JSON', () => {
    const baseline = freezeNumericProfile([1, 2, null, Number.NaN, 3]);
    expect(JSON.parse(JSON.stringify(baseline))).toEqual(baseline);
  });

  it('tell unseen categories from rare ones', () => {
    const baseline = freezeCategoricalProfile(['a', 'b', 'a', null]);
    expect(filled(baseline, ['b', 'z', null])).toMatchObject({ counts: [0, 1], unseenCount: 1, nullCount: 1 });
  });

  it('group bins without losing a count', () => {
    fc.assert(fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 60 }), (baseline) => {
      const grouped = groupBins(baseline, baseline);
      expect(grouped.length).toBeLessThanOrEqual(10);
      expect(grouped.reduce((sum, count) => sum + count, 0)).toBe(baseline.reduce((sum, count) => sum + count, 0));
    }));
  });
});

const counts = fc.array(fc.tuple(fc.nat(500), fc.nat(500)), { minLength: 1, maxLength: 20 }).map((pairs) => [[1, ...pairs.map(([a]) => a)], [1, ...pairs.map(([, b]) => b)]] as const);

describe('distances', () => {
  it('are zero between equal samples, symmetric and within their range', () => {
    fc.assert(fc.property(counts, ([a, b]) => {
      expect(populationStabilityIndex(a, a)).toBe(0);
      expect(populationStabilityIndex(a, b)).toBeGreaterThanOrEqual(0);
      expect(populationStabilityIndex(a, b)).toBeCloseTo(populationStabilityIndex(b, a), 10);
      expect(jensenShannonDistance(a, b)).toBeCloseTo(jensenShannonDistance(b, a), 10);
      expect(jensenShannonDistance(a, b)).toBeLessThanOrEqual(1);
      expect(kolmogorovSmirnov(a, b).distance).toBeLessThanOrEqual(1 + 1e-12);
      expect(kolmogorovSmirnov(a, a)).toEqual({ distance: 0, pValue: 1 });
    }));
  });
});

describe('AUC', () => {
  const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 50 }), fc.boolean()), { minLength: 2, maxLength: 100 });

  it('does not change under a monotone transform and mirrors under a reversed one', () => {
    fc.assert(fc.property(scored, (pairs) => {
      const labels = pairs.map(([, label]) => label);
      const area = auc(pairs.map(([score]) => score), labels);
      expect(auc(pairs.map(([score]) => score ** 3 + 1), labels)).toEqual(area);
      const mirrored = auc(pairs.map(([score]) => -score), labels);
      if (Number.isNaN(area)) expect(mirrored).toBeNaN();
      else expect(mirrored).toBeCloseTo(1 - area, 12);
    }));
  });

  it('from bins equals the exact one when every score has its own bin', () => {
    fc.assert(fc.property(scored, (pairs) => {
      const [positives, negatives] = [true, false].map((wanted) => Array.from({ length: 51 }, (_, bin) => pairs.filter(([score, label]) => score === bin && label === wanted).length));
      const exact = auc(pairs.map(([score]) => score), pairs.map(([, label]) => label));
      if (Number.isNaN(exact)) expect(binnedAuc(positives!, negatives!)).toBeNaN();
      else expect(binnedAuc(positives!, negatives!)).toBeCloseTo(exact, 12);
    }));
  });

  it('is less certain with fewer samples', () => expect(aucStandardError(0.7, 20, 80)).toBeGreaterThan(aucStandardError(0.7, 200, 800)));
});

describe('calibration and alarms', () => {
  it('finds a forecaster who says 0.9 and is right half the time', () => {
    const labels = Array.from({ length: 1000 }, (_, index) => index % 2 === 0);
    expect(expectedCalibrationError(labels.map(() => 0.9), labels)).toBeCloseTo(0.4, 10);
  });

  it('needs significance, effect and two of three conclusive windows', () => {
    const verdict = (significant: boolean, effect: number, sampleCount = 5000) => windowVerdict({ sampleCount, minSamples: 300, significant, effect, minEffect: 0.1 });
    expect([verdict(true, 0.05), verdict(false, 0.5), verdict(true, 0.2), verdict(true, 0.2, 10)]).toEqual(['ok', 'ok', 'drifted', 'insufficient_data']);
    expect(isAlarm(['drifted'])).toBe(false);
    expect(isAlarm(['drifted', 'insufficient_data', 'drifted'])).toBe(true);
    expect(isAlarm(['drifted', 'ok', 'ok', 'drifted'])).toBe(false);
  });
});
