import { clusteredMean, distanceSequence, histogramDistance, histogramMoments, type Clusters, type SparseHistogram } from '@throughline/stats';
import { binValue, type Arm, type Evidence } from '../domain/evidence.js';
import type { Guard, RolloutSpec } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';
import { clustersOf, comparableHistograms, histogramOf, ordered } from './arms.js';
import { figure, insufficient, missing, verdict } from './finding.js';

type ShiftGuard = Extract<Guard, { kind: 'score_shift' }>;

/**
 * The Kolmogorov-Smirnov distance of the arms' score distributions: more than is allowed, and more than equal models would show at any look. Scores of one routing key are alike, so
 * samples count for as many as would be as good if they were not (design effect of the mean score; Kish, 1965). Of a shadow, whose arms answer the same requests, how alike the differences are.
 */
export function judgeShift(spec: RolloutSpec, evidence: Evidence, guard: ShiftGuard, alpha: number): Verdict {
  const guarded = { guard: guard.kind };
  const both = comparableHistograms(spec, evidence, 'score');
  const samples = { candidate: both?.candidateSamples ?? 0, champion: both === undefined ? 0 : Math.floor(both.championSamples) };
  const worth = { candidate: worthOf(spec, evidence, 'candidate'), champion: worthOf(spec, evidence, 'champion') };
  const reason = missing({ ...samples, clusters: { candidate: worth.candidate.clusters, champion: worth.champion.clusters } }, guard.minSamples);
  if (both === undefined || reason !== undefined) return insufficient(guarded, guard.maxDistance, samples, reason ?? 'nothing to compare yet');
  const [n1, n0] = [samples.candidate * worth.candidate.ofOne, both.championSamples * worth.champion.ofOne];
  const distance = histogramDistance(both.candidate, both.champion) ?? 0;
  const byChance = distanceSequence((n1 * n0) / (n1 + n0), alpha);
  const figures = {
    candidate: histogramMoments(both.candidate, binValue).mean,
    champion: histogramMoments(both.champion, binValue).mean,
    difference: distance,
    low: Math.max(0, distance - byChance),
    high: Math.min(1, distance + byChance),
  };
  const says = `distance ${figure(distance)} where ${figure(guard.maxDistance)} is allowed; equal models stay below ${figure(byChance)} at every look; mean score ${figure(figures.candidate)}, champion ${figure(figures.champion)}`;
  return verdict(guarded, distance > guard.maxDistance && distance > byChance ? 'breached' : 'ok', figures, guard.maxDistance, samples, says);
}

interface Worth {
  /** Independent samples that one sample is worth, in (0, 1]. */
  readonly ofOne: number;
  readonly clusters: number;
}

function worthOf(spec: RolloutSpec, evidence: Evidence, arm: Arm): Worth {
  const steps = ordered(evidence);
  const paired = spec.strategy === 'shadow' ? worth(clustersOf(steps, 'candidate', 'score_difference'), histogramOf(steps, 'candidate', 'scoreDifference')) : undefined;
  const known = paired ?? worth(clustersOf(steps, arm, 'score'), histogramOf(steps, arm, 'score'));
  if (known !== undefined) return known;
  // Nothing says how alike the scores of a key are: then take all of a cluster for one.
  const answers = clusteredMean([clustersOf(steps, arm, 'error')]);
  return answers === undefined ? { ofOne: 1, clusters: 0 } : { ofOne: Math.min(1, answers.clusters / answers.samples), clusters: answers.clusters };
}

function worth(clusters: Clusters, histogram: SparseHistogram): Worth | undefined {
  const mean = clusteredMean([clusters]);
  if (mean === undefined) return undefined;
  const independent = histogramMoments(histogram, binValue).variance / mean.samples;
  const clustered = mean.standardError ** 2;
  return { ofOne: clustered > independent ? independent / clustered : 1, clusters: mean.clusters };
}
