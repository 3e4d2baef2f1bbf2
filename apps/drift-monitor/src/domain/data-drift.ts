import {
  benjaminiHochberg, binnedCount, chiSquaredHomogeneity, groupBins, jensenShannonDistance, kolmogorovSmirnov, MIN_SAMPLES, normalisedWasserstein,
  populationStabilityIndex, windowVerdict, type CategoricalProfile, type FeatureProfile, type NumericProfile, type ProfileSet,
} from '@throughline/stats';
import type { Judgement } from './judgement.js';

/** Expected share of false alarms among those raised in one window. */
const FALSE_DISCOVERY_RATE = 0.05;
/** Least distance that matters: of cumulative distributions, and of categories by Jensen-Shannon. */
const MIN_DISTANCE = 0.1;

interface Test {
  readonly kind: Judgement['kind'];
  readonly subject: string;
  readonly sampleCount: number;
  readonly minSamples: number;
  readonly pValue: number;
  readonly effect: number;
  readonly evidence: Record<string, number>;
}

/**
 * Judges a window of traffic against the version's baseline: Kolmogorov-Smirnov for numbers, chi-squared for categories, corrected over the window by
 * Benjamini-Hochberg, and an effect size, because at large n a trifle is significant.
 */
export function judgeData(baseline: ProfileSet, window: ProfileSet): Judgement[] {
  const tests = [
    ...pairs(baseline.features, window.features).map(([name, a, b]) => test('data_drift', name, a, b)),
    ...pairs(baseline.outputs, window.outputs).map(([name, a, b]) => test('prediction_drift', name, a, b)),
  ];
  const testable = tests.filter(({ sampleCount, minSamples }) => sampleCount >= minSamples);
  const rejected = benjaminiHochberg(testable.map(({ pValue }) => pValue), FALSE_DISCOVERY_RATE);
  const significant = new Set(testable.filter((_, index) => rejected[index]));
  return tests.map((one) => ({
    kind: one.kind,
    subject: one.subject,
    sampleCount: one.sampleCount,
    evidence: one.evidence,
    verdict: windowVerdict({ sampleCount: one.sampleCount, minSamples: one.minSamples, significant: significant.has(one), effect: one.effect, minEffect: MIN_DISTANCE }),
  }));
}

function pairs(baseline: ProfileSet['features'], window: ProfileSet['features']): [string, FeatureProfile, FeatureProfile][] {
  return Object.entries(baseline).flatMap(([name, profile]) => (window[name] === undefined ? [] : [[name, profile, window[name]] as [string, FeatureProfile, FeatureProfile]]));
}

function test(kind: Judgement['kind'], subject: string, baseline: FeatureProfile, window: FeatureProfile): Test {
  const sampleCount = Math.min(binnedCount(baseline), binnedCount(window));
  const minSamples = baseline.kind === 'numeric' ? MIN_SAMPLES.kolmogorovSmirnov : MIN_SAMPLES.jensenShannon;
  const none = { kind, subject, sampleCount, minSamples, pValue: 1, effect: 0, evidence: { missingShare: missingShare(window), baselineMissingShare: missingShare(baseline) } };
  if (sampleCount === 0) return none;
  if (baseline.kind === 'numeric' && window.kind === 'numeric') return { ...none, ...numeric(baseline, window, none.evidence) };
  if (baseline.kind === 'categorical' && window.kind === 'categorical') return { ...none, ...categorical(baseline, window, none.evidence) };
  return none;
}

function numeric(baseline: NumericProfile, window: NumericProfile, evidence: Record<string, number>): Pick<Test, 'pValue' | 'effect' | 'evidence'> {
  const { distance, pValue } = kolmogorovSmirnov(baseline.counts, window.counts);
  const [expected, actual] = [groupBins(baseline.counts, baseline.counts), groupBins(window.counts, baseline.counts)];
  return {
    pValue,
    effect: distance,
    evidence: {
      ...evidence, ksDistance: distance, ksThreshold: MIN_DISTANCE, pValue,
      psi: populationStabilityIndex(expected, actual), wasserstein: normalisedWasserstein(baseline, window),
    },
  };
}

function categorical(baseline: CategoricalProfile, window: CategoricalProfile, evidence: Record<string, number>): Pick<Test, 'pValue' | 'effect' | 'evidence'> {
  const { statistic, pValue } = chiSquaredHomogeneity(baseline.counts, window.counts);
  const distance = jensenShannonDistance(baseline.counts, window.counts);
  const unseenShare = window.unseenCount / (binnedCount(window) + window.unseenCount);
  return { pValue, effect: distance, evidence: { ...evidence, chiSquared: statistic, pValue, jensenShannon: distance, jensenShannonThreshold: MIN_DISTANCE, unseenShare } };
}

function missingShare(profile: FeatureProfile): number {
  const missing = profile.nullCount + (profile.kind === 'numeric' ? profile.nanCount : 0);
  const all = missing + binnedCount(profile) + profile.unseenCount;
  return all === 0 ? 0 : missing / all;
}
