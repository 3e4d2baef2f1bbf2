import { clusteredMean, confidenceSequence, totalWeight, weightedSum, type SparseHistogram } from '@throughline/stats';
import { ARMS, type Arm, type ArmEvidence, type ClusterSums, type Evidence, type StepEvidence } from '../../domain/evidence.js';
import { LOSSES, type RolloutSpec } from '../../domain/spec.js';
import type { Comparison, Verdict } from '../../domain/verdict.js';
import { clustersOf, comparableHistograms, ordered } from '../../guards/arms.js';
import { compare } from '../../guards/compare.js';
import { judge } from '../../guards/judge.js';
import { bars, quantile, quantiles, rounded, shownRange, type Bar, type Quantiles } from './histograms.js';

/** A share or mean with the interval that holds at every look with 95 %. */
export interface Estimate {
  readonly value: number;
  readonly low: number | undefined;
  readonly high: number | undefined;
  readonly samples: number;
}

/** What one version did. */
export interface ArmFigures {
  readonly answers: number;
  readonly outcomes: number;
  readonly errorShare: number | undefined;
  readonly fallbackShare: number | undefined;
  readonly latencyMs: { readonly p50: number; readonly p95: number; readonly p99: number } | undefined;
  readonly meanScore: number | undefined;
  /** By loss. */
  readonly meanLoss: Readonly<Record<string, number>>;
  readonly meanValueMicroUsd: number | undefined;
}

export interface StepFigures {
  readonly step: number;
  readonly arms: Readonly<Record<Arm, ArmFigures>>;
}

/** Candidate against champion on an outcome measure; `segment` for a part of the traffic. */
export interface OutcomeComparison extends Comparison {
  readonly measure: string;
  readonly segment?: string | undefined;
}

export interface DifferenceReport {
  readonly comparisons: number;
  readonly mean: Estimate | undefined;
  readonly meanAbsolute: Estimate | undefined;
  readonly quantiles: Quantiles | undefined;
  readonly histogram: readonly Bar[];
}

export interface ReportFigures {
  readonly arms: Readonly<Record<Arm, ArmFigures>>;
  readonly steps: readonly StepFigures[];
  readonly verdicts: readonly Verdict[];
  /** Of the champion's answers, those in which a shadow would have decided the same. */
  readonly agreement: Estimate | undefined;
  readonly scoreDifference: DifferenceReport | undefined;
  /** As densities over the same bars, the champion's steps mixed in the proportion of the candidate's. */
  readonly scores: Readonly<Record<Arm, readonly Bar[]>> | undefined;
  readonly outcomes: readonly OutcomeComparison[];
}

const BARS = 40;
const ALPHA = 0.05;
/** The effect that an interval is to be tightest for, in standard errors at this many samples; as the guards have it. */
const TIGHTEST = { errors: 3.4, samples: 200 };

/** All figures of a report, from the evidence alone. */
export function figuresOf(spec: RolloutSpec, evidence: Evidence): ReportFigures {
  const steps = ordered(evidence);
  return {
    arms: { champion: figures(steps, 'champion'), candidate: figures(steps, 'candidate') },
    steps: steps.map((step) => ({ step: step.step, arms: { champion: figures([step], 'champion'), candidate: figures([step], 'candidate') } })),
    verdicts: judge(spec, evidence),
    agreement: complement(estimate(steps, 'disagreement')),
    scoreDifference: differences(steps),
    scores: scores(spec, evidence),
    outcomes: outcomes(spec, evidence),
  };
}

function figures(steps: readonly StepEvidence[], arm: Arm): ArmFigures {
  const of = steps.map(({ arms }) => arms[arm]);
  const mean = (measure: string): number | undefined => meanOf(of.map(({ measures }) => measures[measure]));
  const latency = added(of, 'latencyMs');
  return {
    answers: of.reduce((sum, { answers }) => sum + answers, 0),
    outcomes: of.reduce((sum, one) => sum + one.outcomes, 0),
    errorShare: mean('error'),
    fallbackShare: mean('fallback'),
    latencyMs: totalWeight(latency) === 0 ? undefined : { p50: quantile(latency, 0.5)!, p95: quantile(latency, 0.95)!, p99: quantile(latency, 0.99)! },
    meanScore: mean('score'),
    meanLoss: Object.fromEntries(LOSSES.flatMap((loss) => {
      const value = mean(loss);
      return value === undefined ? [] : [[loss, value]];
    })),
    meanValueMicroUsd: mean('value'),
  };
}

function meanOf(parts: readonly (ClusterSums | undefined)[]): number | undefined {
  const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
  const [count, sum] = parts.reduce(([n, s], part) => (part === undefined ? [n, s] : [n + total(part.counts), s + total(part.sums)]), [0, 0]);
  return count === 0 ? undefined : rounded(sum / count);
}

const added = (arms: readonly ArmEvidence[], name: 'latencyMs' | 'scoreDifference'): SparseHistogram => weightedSum(arms.map((arm) => [arm[name], 1]));

/** Of a measure that only pairs have: the candidate's, over all steps. */
function estimate(steps: readonly StepEvidence[], measure: string): Estimate | undefined {
  const mean = clusteredMean([clustersOf(steps, 'candidate', measure)]);
  if (mean === undefined) return undefined;
  const tau = TIGHTEST.errors * mean.standardError * Math.sqrt(mean.samples / TIGHTEST.samples);
  const { low, high } = confidenceSequence(mean, tau, ALPHA);
  return { value: rounded(mean.mean), low: finite(low), high: finite(high), samples: mean.samples };
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? rounded(value) : undefined);

function complement(disagreement: Estimate | undefined): Estimate | undefined {
  if (disagreement === undefined) return undefined;
  const { value, low, high, samples } = disagreement;
  return { value: rounded(1 - value), low: high === undefined ? undefined : Math.max(0, rounded(1 - high)), high: low === undefined ? undefined : Math.min(1, rounded(1 - low)), samples };
}

function differences(steps: readonly StepEvidence[]): DifferenceReport | undefined {
  const histogram = added(steps.map(({ arms }) => arms.candidate), 'scoreDifference');
  const range = shownRange([histogram]);
  if (range === undefined) return undefined;
  // Around 0, so that more of it on one side is seen as such.
  const reach = Math.max(...range.map(Math.abs));
  return {
    comparisons: totalWeight(histogram), mean: estimate(steps, 'score_difference'), meanAbsolute: estimate(steps, 'absolute_score_difference'),
    quantiles: quantiles(histogram), histogram: bars(histogram, [-reach, reach], BARS + 1),
  };
}

function scores(spec: RolloutSpec, evidence: Evidence): Record<Arm, Bar[]> | undefined {
  const both = comparableHistograms(spec, evidence, 'score');
  const range = both && shownRange([both.candidate, both.champion]);
  if (both === undefined || range === undefined) return undefined;
  return Object.fromEntries(ARMS.map((arm) => [arm, bars(normalised(both[arm]), range, BARS)])) as Record<Arm, Bar[]>;
}

const normalised = (histogram: SparseHistogram): SparseHistogram => weightedSum([[histogram, 1 / totalWeight(histogram)]]);

/** Every loss that outcomes allow, the value of decisions, and the watched loss in each segment. Of a shadow, only what its pairs are known for. */
function outcomes(spec: RolloutSpec, evidence: Evidence): OutcomeComparison[] {
  const watched = spec.guards.find((guard) => guard.kind === 'quality')?.loss;
  const losses = spec.strategy === 'shadow' ? [watched ?? 'loss_difference'] : LOSSES;
  const measures = [
    ...[...losses, 'value'].map((measure) => ({ measure, segment: undefined, told: measure })),
    ...spec.segments.map(({ name }) => ({ measure: `quality/${name}`, segment: name, told: watched ?? 'loss' })),
  ];
  return measures.flatMap(({ measure, segment, told }) => {
    const found = compare(spec, evidence, measure);
    if (found === undefined || ![found.low, found.high, found.fixedLow, found.fixedHigh].every(Number.isFinite)) return [];
    return [{ measure: told, segment, ...found }];
  });
}
