import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { auc } from './auc.js';
import { benjaminiHochberg } from './benjamini-hochberg.js';
import { chiSquaredHomogeneity } from './chi-squared.js';
import { jensenShannonDistance } from './jensen-shannon.js';
import { criticalDistance, kolmogorovSmirnov } from './kolmogorov-smirnov.js';
import { brierScore, logLoss } from './probability-scores.js';
import { freezeNumericProfile } from './profile/freeze.js';
import { emptyWindowLike, observe } from './profile/window.js';
import { chiSquaredTail, kolmogorovTail } from './special.js';
import { normalisedWasserstein } from './wasserstein.js';
import { wilsonInterval } from './wilson.js';

interface Pair { a: number[]; b: number[] }
interface Reference {
  kolmogorovTail: { x: number; p: number }[];
  chiSquaredTail: { x: number; degrees: number; p: number }[];
  kolmogorovSmirnov: (Pair & { distance: number; pValue: number })[];
  jensenShannon: (Pair & { distance: number })[];
  chiSquared: (Pair & { statistic: number; degrees: number; pValue: number })[];
  wasserstein: { x: number[]; y: number[]; normalised: number }[];
  classifier: { scores: number[]; labels: boolean[]; auc: number; brier: number; logLoss: number }[];
  benjaminiHochberg: { pValues: number[]; rejected: boolean[] }[];
  wilson: { successes: number; trials: number; low: number; high: number }[];
}
const reference = JSON.parse(readFileSync(new URL('../reference/reference.json', import.meta.url), 'utf8')) as Reference;

describe('agrees with SciPy and scikit-learn', () => {
  it.each(reference.kolmogorovTail)('on the Kolmogorov distribution at $x', ({ x, p }) => expect(kolmogorovTail(x)).toBeCloseTo(p, 10));

  it.each(reference.chiSquaredTail)('on the chi-squared distribution at $x with $degrees degrees', ({ x, degrees, p }) => {
    expect(Math.abs(chiSquaredTail(x, degrees) - p)).toBeLessThan(1e-10 * Math.max(p, 1e-3));
  });

  it.each(reference.kolmogorovSmirnov)('on Kolmogorov-Smirnov, D = $distance', ({ a, b, distance, pValue }) => {
    const result = kolmogorovSmirnov(a, b);
    expect(result.distance).toBeCloseTo(distance, 12);
    expect(result.pValue).toBeCloseTo(pValue, 10);
  });

  it.each([[0.05, 1.358], [0.01, 1.628]])('on the critical distance at %d', (alpha, factor) => {
    expect(criticalDistance(200, 300, alpha)).toBeCloseTo(factor / Math.sqrt(120), 4);
    expect(kolmogorovTail(factor)).toBeCloseTo(alpha, 3);
  });

  it.each(reference.jensenShannon)('on the Jensen-Shannon distance $distance', ({ a, b, distance }) => expect(jensenShannonDistance(a, b)).toBeCloseTo(distance, 12));

  it.each(reference.chiSquared)('on chi-squared homogeneity, $statistic', ({ a, b, statistic, degrees, pValue }) => {
    const result = chiSquaredHomogeneity(a, b);
    expect(result.degrees).toBe(degrees);
    expect(result.statistic).toBeCloseTo(statistic, 9);
    expect(result.pValue).toBeCloseTo(pValue, 10);
  });

  it.each(reference.wasserstein)('on the Wasserstein distance $normalised, with a bin for every distinct value', ({ x, y, normalised }) => {
    const baseline = freezeNumericProfile(x.concat(y), 1e6);
    const fill = (values: number[]) => {
      const window = emptyWindowLike(baseline);
      for (const value of values) observe(window, value);
      return window;
    };
    expect(normalisedWasserstein(fill(x), fill(y))).toBeCloseTo(normalised, 9);
  });

  it.each(reference.classifier)('on AUC $auc, Brier score and log loss, with ties', ({ scores, labels, ...expected }) => {
    expect(auc(scores, labels)).toBeCloseTo(expected.auc, 12);
    expect(brierScore(scores, labels)).toBeCloseTo(expected.brier, 12);
    expect(logLoss(scores, labels)).toBeCloseTo(expected.logLoss, 12);
  });

  it.each(reference.benjaminiHochberg)('on Benjamini-Hochberg', ({ pValues, rejected }) => expect(benjaminiHochberg(pValues)).toEqual(rejected));

  it.each(reference.wilson)('on the Wilson interval of $successes in $trials', ({ successes, trials, low, high }) => {
    const interval = wilsonInterval(successes, trials);
    expect(interval.low).toBeCloseTo(low, 10);
    expect(interval.high).toBeCloseTo(high, 10);
  });
});
