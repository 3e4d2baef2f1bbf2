import { weightedSum, type Clusters, type SparseHistogram, type Stratum } from '@throughline/stats';
import { CLUSTERS, type Arm, type Evidence, type Measure, type StepEvidence } from '../domain/evidence.js';
import type { RolloutSpec } from '../domain/spec.js';

const NOTHING: Clusters = { counts: new Array<number>(CLUSTERS).fill(0), sums: new Array<number>(CLUSTERS).fill(0) };

type HistogramName = 'latencyMs' | 'score';

/**
 * What may be compared: the arms of one step. A blue-green has no step in which both answer: there the champion before the switch is compared with the candidate
 * after it, and what changed in the world at that moment looks like a difference of theirs.
 */
export function strataOf(spec: RolloutSpec, evidence: Evidence, measure: Measure): Stratum[] {
  const steps = ordered(evidence);
  if (spec.strategy === 'blue_green') return [{ first: clustersOf(steps, 'candidate', measure), second: clustersOf(steps, 'champion', measure) }];
  return steps.map((step) => ({ first: clustersOf([step], 'candidate', measure), second: clustersOf([step], 'champion', measure) }));
}

/** All values of one arm, over all steps. */
export function clustersOf(steps: readonly StepEvidence[], arm: Arm, measure: Measure): Clusters {
  const parts = steps.map((step) => step.arms[arm].measures[measure]).filter((part) => part !== undefined);
  if (parts.length < 2) return parts[0] ?? NOTHING;
  const counts = [...NOTHING.counts];
  const sums = [...NOTHING.sums];
  for (const part of parts) {
    for (let c = 0; c < CLUSTERS; c++) {
      counts[c]! += part.counts[c]!;
      sums[c]! += part.sums[c]!;
    }
  }
  return { counts, sums };
}

export interface ComparableHistograms {
  readonly candidate: SparseHistogram;
  readonly candidateSamples: number;
  /** The champion's steps, mixed in the proportion of the candidate's: the two must differ by their versions, not by the hours in which they answered most. */
  readonly champion: SparseHistogram;
  /** As many values without the mixing would be as good: N₁²/Σ(n₁²/n₀). */
  readonly championSamples: number;
}

/** The distributions of both arms over the steps in which both answered; undefined when there is none. */
export function comparableHistograms(spec: RolloutSpec, evidence: Evidence, name: HistogramName): ComparableHistograms | undefined {
  const steps = ordered(evidence);
  const pairs = (spec.strategy === 'blue_green' ? [steps] : steps.map((step) => [step]))
    .map((part) => ({ candidate: histogramOf(part, 'candidate', name), champion: histogramOf(part, 'champion', name) }))
    .map((pair) => ({ ...pair, n1: weightOf(pair.candidate), n0: weightOf(pair.champion) }))
    .filter(({ n1, n0 }) => n1 > 0 && n0 > 0);
  if (pairs.length === 0) return undefined;
  const candidateSamples = pairs.reduce((sum, { n1 }) => sum + n1, 0);
  return {
    candidate: weightedSum(pairs.map(({ candidate }) => [candidate, 1])),
    candidateSamples,
    champion: weightedSum(pairs.map(({ champion, n1, n0 }) => [champion, n1 / n0])),
    championSamples: candidateSamples ** 2 / pairs.reduce((sum, { n1, n0 }) => sum + n1 ** 2 / n0, 0),
  };
}

/** One arm's distribution over all steps. */
export function histogramOf(steps: readonly StepEvidence[], arm: Arm, name: HistogramName | 'scoreDifference'): SparseHistogram {
  return weightedSum(steps.map((step) => [step.arms[arm][name], 1]));
}

/** Sums of floating-point numbers depend on their order, so it is fixed here, not where evidence is stored. */
export const ordered = ({ steps }: Evidence): StepEvidence[] => steps.toSorted((a, b) => a.step - b.step);

export const weightOf = (histogram: SparseHistogram): number => Object.values(histogram).reduce((sum, weight) => sum + weight, 0);
