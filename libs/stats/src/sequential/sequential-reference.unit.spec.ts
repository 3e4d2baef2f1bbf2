import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { incompleteBeta, normalTail } from '../special.js';
import { clusteredDifference, clusteredMean, type Clusters, type Stratum } from './clustered-mean.js';
import { mixtureQuantile, oneSidedMixtureQuantile } from './normal-mixture.js';
import { shareSequence } from './proportion-sequence.js';
import { histogramDistance, quantileBin, type SparseHistogram } from './sparse-histogram.js';
import { studentised, studentQuantile, studentTail } from './student.js';

interface Reference {
  studentQuantile: { tail: number; degrees: number; t: number }[];
  studentTail: { t: number; degrees: number; p: number }[];
  normalTail: { z: number; p: number }[];
  incompleteBeta: { x: number; a: number; b: number; p: number }[];
  mean: (Clusters & { mean: number; standardError: number; clusters: number })[];
  difference: { strata: Stratum[]; value: number; standardError: number; degrees: number; clusters: [number, number] }[];
  sandwich: Stratum & { standardError: number };
  mixture: { standardError: number; tau: number; alpha: number; twoSided: number; oneSided: number }[];
  shares: { successes: number; samples: number; alpha: number; share: number; weight: number; low: number; high: number }[];
  distances: { a: SparseHistogram; b: SparseHistogram; distance: number; quantile: number }[];
}
const reference = JSON.parse(readFileSync(new URL('../../reference/sequential.json', import.meta.url), 'utf8')) as Reference;
const relative = (actual: number, expected: number): number => Math.abs(actual / expected - 1);

describe('agrees with SciPy and NumPy', () => {
  it.each(reference.normalTail)('on the normal tail at $z', ({ z, p }) => expect(relative(normalTail(z), p)).toBeLessThan(1e-11));

  it.each(reference.incompleteBeta)('on the incomplete beta function at $x, $a, $b', ({ x, a, b, p }) => expect(Math.abs(incompleteBeta(x, a, b) - p)).toBeLessThan(1e-11 * Math.max(p, 1e-2)));

  it.each(reference.studentTail)('on Student’s tail at $t with $degrees degrees', ({ t, degrees, p }) => expect(relative(studentTail(t, degrees), p)).toBeLessThan(1e-10));

  it.each(reference.studentQuantile)('on Student’s quantile at $tail with $degrees degrees', ({ tail, degrees, t }) => expect(relative(studentQuantile(tail, degrees), t)).toBeLessThan(1e-9));

  it.each(reference.mean)('on a clustered mean of $mean', ({ counts, sums, mean, standardError, clusters }) => {
    const found = clusteredMean([{ counts, sums }])!;
    expect(found.value).toBeCloseTo(mean, 12);
    expect(relative(found.standardError, standardError)).toBeLessThan(1e-6);
    expect(found.clusters).toBeCloseTo(clusters, 9);
  });

  it.each(reference.difference)('on a clustered, stratified difference of $value, by the influences of its clusters', ({ strata, value, standardError, degrees, clusters }) => {
    const found = clusteredDifference(strata)!;
    expect(found.value).toBeCloseTo(value, 12);
    expect(relative(found.standardError, standardError)).toBeLessThan(1e-6);
    expect(relative(found.degrees, degrees)).toBeLessThan(1e-6);
    expect([found.first.clusters, found.second.clusters]).toEqual(clusters.map((one) => expect.closeTo(one, 9) as number));
  });

  it('on the cluster-robust error of a regression, but for the factors of few clusters and of unequal spread', () => {
    const { value: _value, standardError, degrees, first, second } = clusteredDifference([reference.sandwich])!;
    expect([first.samples, second.samples]).toEqual([500, 500]);
    const withoutFactor = standardError * Math.sqrt(degrees / (degrees + 1));
    expect(withoutFactor).toBeGreaterThanOrEqual(reference.sandwich.standardError);
    expect(relative(withoutFactor, reference.sandwich.standardError)).toBeLessThan(0.15);
  });

  it.each(reference.mixture)('on where the integrated likelihood ratio reaches 1/$alpha, at $standardError and $tau', ({ standardError, tau, alpha, twoSided, oneSided }) => {
    expect(relative(mixtureQuantile(standardError, tau, alpha), twoSided)).toBeLessThan(1e-6);
    // The closed form of one side is never too narrow, and two hundredths too wide at most.
    const closed = oneSidedMixtureQuantile(standardError, tau, alpha);
    expect(closed).toBeGreaterThanOrEqual(oneSided * (1 - 1e-9));
    expect(relative(closed, oneSided)).toBeLessThan(0.02);
  });

  it.each(reference.shares)('on the bounds of $successes of $samples', ({ successes, samples, alpha, share, weight, low, high }) => {
    const found = shareSequence(successes, samples, alpha, { share, weight });
    expect(found.low).toBeCloseTo(low, 8);
    expect(found.high).toBeCloseTo(high, 8);
  });

  it.each(reference.distances)('on the distance $distance of two sparse histograms, and a quantile', ({ a, b, distance, quantile }) => {
    expect(histogramDistance(a, b)).toBeCloseTo(distance, 12);
    expect(quantileBin(b, 0.9)).toBe(quantile);
  });

  it('that few degrees of freedom need a wider interval', () => {
    expect(studentised(1.959963984540054, 9)).toBeCloseTo(2.2621571628, 6);
    expect(studentised(3.5, 1e6)).toBeCloseTo(3.5, 3);
    expect(studentised(Infinity, 5)).toBe(Infinity);
  });
});
