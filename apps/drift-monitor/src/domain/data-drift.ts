import {
  benjaminiHochberg, binnedCount, chiSquaredHomogeneity, groupBins, jensenShannonDistance, kolmogorovSmirnov, MIN_SAMPLES, normalisedWasserstein,
  populationStabilityIndex, totalCount, windowVerdict, type CategoricalProfile, type FeatureProfile, type NumericProfile, type ProfileSet, type WindowVerdict,
} from '@throughline/stats';
import type { Judgement } from './judgement.js';
import { DEFAULT_THRESHOLDS, type Thresholds } from './monitoring.js';

/** Expected share of false alarms among those raised in one window. */
const FALSE_DISCOVERY_RATE = 0.05;

interface Test {
  readonly sampleCount: number;
  readonly minSamples: number;
  readonly pValue: number;
  readonly effect: number;
  readonly minEffect: number;
  readonly evidence: Record<string, number>;
}
interface Subject {
  readonly kind: Judgement['kind'];
  readonly subject: string;
  readonly sampleCount: number;
  /** The values that are there, the share of those missing, the share of those never seen before. */
  readonly tests: readonly Test[];
}

/**
 * Judges a window of traffic against the version's baseline: Kolmogorov-Smirnov for numbers, chi-squared for categories, and for both whether more
 * (or fewer) values are missing or in no bin than used to be; corrected over the window by Benjamini-Hochberg, and with effect sizes,
 * because at large n a trifle is significant.
 */
export function judgeData(baseline: ProfileSet, window: ProfileSet, thresholds: Thresholds = DEFAULT_THRESHOLDS): Judgement[] {
  const subjects = [...subjectsOf('data_drift', baseline.features, window.features, thresholds), ...subjectsOf('prediction_drift', baseline.outputs, window.outputs, thresholds)];
  const testable = subjects.flatMap(({ tests }) => tests).filter(({ sampleCount, minSamples }) => sampleCount >= minSamples);
  const rejected = benjaminiHochberg(testable.map(({ pValue }) => pValue), FALSE_DISCOVERY_RATE);
  const significant = new Set(testable.filter((_, index) => rejected[index]));
  return subjects.map(({ kind, subject, sampleCount, tests }) => ({
    kind, subject, sampleCount,
    evidence: Object.assign({}, ...tests.map(({ evidence }) => evidence)),
    verdict: worst(tests.map((test) => windowVerdict({ ...test, significant: significant.has(test) }))),
  }));
}

/** A feature that drifted in one respect has drifted; one with a respect that cannot be judged is not ok. */
function worst(verdicts: readonly WindowVerdict[]): WindowVerdict {
  if (verdicts.includes('drifted')) return 'drifted';
  return verdicts.includes('insufficient_data') ? 'insufficient_data' : 'ok';
}

function subjectsOf(kind: Judgement['kind'], baseline: ProfileSet['features'], window: ProfileSet['features'], thresholds: Thresholds): Subject[] {
  return Object.entries(baseline).flatMap(([subject, before]) => {
    const now = window[subject];
    if (now === undefined) return [];
    const tests = [
      distribution(before, now, thresholds),
      shareTest('missing', [missing(before), totalCount(before)], [missing(now), totalCount(now)], thresholds),
      shareTest('unseen', [before.unseenCount, totalCount(before) - missing(before)], [now.unseenCount, totalCount(now) - missing(now)], thresholds),
    ];
    return [{ kind, subject, sampleCount: totalCount(now), tests }];
  });
}

function distribution(baseline: FeatureProfile, window: FeatureProfile, { minSamples: least, minEffect: { distance: minEffect } }: Thresholds): Test {
  const sampleCount = Math.min(binnedCount(baseline), binnedCount(window));
  const minSamples = least[baseline.kind];
  const none = { sampleCount, minSamples, pValue: 1, effect: 0, minEffect, evidence: {} };
  if (sampleCount === 0) return none;
  if (baseline.kind === 'numeric' && window.kind === 'numeric') return { ...none, ...numeric(baseline, window, sampleCount, minEffect) };
  if (baseline.kind === 'categorical' && window.kind === 'categorical') return { ...none, ...categorical(baseline, window, minEffect) };
  return none;
}

function numeric(baseline: NumericProfile, window: NumericProfile, sampleCount: number, ksThreshold: number): Pick<Test, 'pValue' | 'effect' | 'evidence'> {
  const { distance, pValue } = kolmogorovSmirnov(baseline.counts, window.counts);
  const [expected, actual] = [groupBins(baseline.counts, baseline.counts), groupBins(window.counts, baseline.counts)];
  return {
    pValue,
    effect: distance,
    evidence: {
      ksDistance: distance, ksThreshold, pValue,
      ...(sampleCount >= MIN_SAMPLES.psi && { psi: populationStabilityIndex(expected, actual) }),
      ...(sampleCount >= MIN_SAMPLES.wasserstein && { wasserstein: normalisedWasserstein(baseline, window) }),
    },
  };
}

function categorical(baseline: CategoricalProfile, window: CategoricalProfile, jensenShannonThreshold: number): Pick<Test, 'pValue' | 'effect' | 'evidence'> {
  const { statistic, pValue } = chiSquaredHomogeneity(baseline.counts, window.counts);
  const distance = jensenShannonDistance(baseline.counts, window.counts);
  return { pValue, effect: distance, evidence: { chiSquared: statistic, pValue, jensenShannon: distance, jensenShannonThreshold } };
}

/** So many of all. */
type Share = readonly [count: number, all: number];

/** Two shares, by the chi-squared test of a 2×2 table. */
function shareTest(name: 'missing' | 'unseen', [before, allBefore]: Share, [now, allNow]: Share, { minSamples, minEffect }: Thresholds): Test {
  const [share, baselineShare] = [allNow === 0 ? 0 : now / allNow, allBefore === 0 ? 0 : before / allBefore];
  return {
    sampleCount: Math.min(allBefore, allNow),
    minSamples: minSamples.numeric,
    pValue: allBefore > 0 && allNow > 0 ? chiSquaredHomogeneity([before, allBefore - before], [now, allNow - now]).pValue : 1,
    effect: Math.abs(share - baselineShare),
    minEffect: minEffect.share,
    evidence: { [`${name}Share`]: share, [`baseline${name[0]!.toUpperCase()}${name.slice(1)}Share`]: baselineShare },
  };
}

function missing(profile: FeatureProfile): number {
  return profile.nullCount + (profile.kind === 'numeric' ? profile.nanCount : 0);
}
