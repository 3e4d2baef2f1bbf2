/**
 * What a rollout has seen: sums, never single predictions, so that it stays small, adds up over registries and restarts, and can be kept with
 * the verdict that it led to.
 */

/** Routing keys are gathered into so many clusters, by a hash that has nothing to do with the split. Errors within a key are not independent; sums by cluster are. */
export const CLUSTERS = 256;

export const ARMS = ['champion', 'candidate'] as const;
export type Arm = (typeof ARMS)[number];

/**
 * What is summed: `error` and `fallback` 1 or 0 an answer; `score` an answer that has one (how alike the scores of a key are decides what a distance between two
 * distributions means); the losses and `value` (millionths of a dollar) an outcome, a segment's under
 * `quality/<name>`. Of a shadow, whose every answer has its counterpart, differences (candidate minus champion) under the arm `candidate`:
 * `score_difference`, `absolute_score_difference`, `disagreement` (1 where the decisions differ), `loss_difference`, `value_difference`, and a segment's `loss_difference/<name>`.
 */
export type Measure = string;

/** By cluster, `CLUSTERS` of each: how many values, and their sum. */
export interface ClusterSums {
  readonly counts: readonly number[];
  readonly sums: readonly number[];
}

/** Counts by bin. Bins are those of `logarithmicBin`: the same everywhere, so that histograms add up. */
export type Histogram = Readonly<Record<string, number>>;

export interface ArmEvidence {
  readonly measures: Readonly<Record<Measure, ClusterSums>>;
  /** Milliseconds from pick-up by the worker to the answer; of a shadow rollout, of the run alone. */
  readonly latencyMs: Histogram;
  readonly score: Histogram;
  /** Candidate minus champion, of shadows. */
  readonly scoreDifference: Histogram;
}

export interface StepEvidence {
  readonly step: number;
  /** Answers, outcomes and (of a shadow) comparisons by arm. */
  readonly arms: Readonly<Record<Arm, ArmEvidence & { readonly answers: number; readonly outcomes: number }>>;
}

export interface Evidence {
  readonly steps: readonly StepEvidence[];
}

const BINS_A_DECADE = 116;
const SMALLEST = 1e-9;

/**
 * The bin of a value: logarithmic by magnitude, 2 % wide, the same on both sides of 0. Two values of one bin differ by at most 2 % of themselves.
 *
 * @returns 0 for |value| below 1e-9, else a positive or negative integer
 */
export function logarithmicBin(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude >= SMALLEST)) return 0;
  const bin = 1 + Math.floor(Math.log10(Math.min(magnitude, 1e12) / SMALLEST) * BINS_A_DECADE);
  return value < 0 ? -bin : bin;
}

/** The value in the middle of a bin, geometrically. */
export function binValue(bin: number): number {
  if (bin === 0) return 0;
  return Math.sign(bin) * SMALLEST * 10 ** ((Math.abs(bin) - 0.5) / BINS_A_DECADE);
}

/** Where a bin begins and ends; bin 0 is everything that is too small to tell from 0. */
export function binEdges(bin: number): readonly [low: number, high: number] {
  if (bin === 0) return [-SMALLEST, SMALLEST];
  const [near, far] = [Math.abs(bin) - 1, Math.abs(bin)].map((edge) => SMALLEST * 10 ** (edge / BINS_A_DECADE)) as [number, number];
  return bin > 0 ? [near, far] : [-far, -near];
}
