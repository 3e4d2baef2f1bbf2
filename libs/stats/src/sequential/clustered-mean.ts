/** Sums of values by cluster: `counts[c]` values that sum to `sums[c]`; empty clusters are 0 and 0. */
export interface Clusters {
  readonly counts: readonly number[];
  readonly sums: readonly number[];
}

/** Two arms that were observed under the same conditions (in one step of a rollout); cluster c is the same routing keys in both. */
export interface Stratum {
  readonly first: Clusters;
  readonly second: Clusters;
}

/** One arm of an estimate. */
export interface ArmMean {
  readonly mean: number;
  readonly samples: number;
  /** As many clusters of equal size would be as good: (Σn)²/Σn². Kish, 1965. */
  readonly clusters: number;
}

export interface ClusteredEstimate {
  readonly value: number;
  /** Infinity while there are fewer than two clusters to learn it from. */
  readonly standardError: number;
  /** Of the standard error. */
  readonly degrees: number;
}

export interface ClusteredDifference extends ClusteredEstimate {
  readonly first: ArmMean;
  readonly second: ArmMean;
}

interface Arm extends ArmMean {
  /** By cluster: how far the mean would move with the cluster's weight. */
  readonly influence: Float64Array;
  readonly variance: number;
  /** As many values without strata would be as good. */
  readonly effectiveSamples: number;
}

/**
 * Mean of values that are alike within a cluster: S/N, with the variance of a ratio estimator, B/(B−1) · Σ_c ((s_c − mean·n_c)/N)². Cochran, Sampling
 * Techniques, 1977, 6.3 and 9A.
 *
 * @returns undefined without a value
 */
export function clusteredMean(parts: readonly Clusters[]): (ClusteredEstimate & ArmMean) | undefined {
  const all = sized(added(parts));
  if (all.count === 0) return undefined;
  const { mean, samples, clusters, variance } = armOf([all], [1]);
  return { value: mean, mean, samples, clusters, ...estimateOf(variance, clusters - 1) };
}

/**
 * Difference of the means of two arms, first minus second, compared only within strata and put together with the weights n₁n₀/(n₁+n₀) (Mantel and Haenszel, 1959;
 * those of least variance where all values vary alike). A rate that changes with time while the shares of the arms change with it cannot pose as a difference.
 *
 * The variance is Σ_c ψ_c², ψ_c the influence of cluster c on the whole difference, over both arms and all strata: what a key does in
 * several steps is not several pieces of evidence. An arm's part of it is at least what the spread of the other arm would make it at its size: a small arm that has
 * not yet met the rare event knows its mean less well than it seems. Degrees of freedom after Satterthwaite, 1946, from the effective number of clusters of the arms.
 *
 * @returns undefined while no stratum has values of both arms
 */
export function clusteredDifference(strata: readonly Stratum[]): ClusteredDifference | undefined {
  const usable = strata.map(({ first, second }) => ({ first: sized(first), second: sized(second) })).filter(({ first, second }) => first.count > 0 && second.count > 0);
  if (usable.length === 0) return undefined;
  const raw = usable.map(({ first, second }) => 1 / (1 / first.count + 1 / second.count));
  const whole = total(raw);
  const weights = raw.map((weight) => weight / whole);
  const first = armOf(usable.map((stratum) => stratum.first), weights);
  const second = armOf(usable.map((stratum) => stratum.second), weights);
  const [v1, v0] = [
    Math.max(first.variance, (second.variance * second.effectiveSamples) / first.effectiveSamples),
    Math.max(second.variance, (first.variance * first.effectiveSamples) / second.effectiveSamples),
  ];
  let together = 0;
  for (let c = 0; c < first.influence.length; c++) together += (first.influence[c]! - second.influence[c]!) ** 2;
  const variance = together + (v1 - first.variance) + (v0 - second.variance);
  const [d1, d0] = [first.clusters - 1, second.clusters - 1];
  const spread = d1 > 0 && d0 > 0 ? v1 ** 2 / d1 + v0 ** 2 / d0 : Infinity;
  const degrees = spread === 0 ? d1 + d0 : (v1 + v0) ** 2 / spread;
  return { value: first.mean - second.mean, ...estimateOf(variance, degrees), first: publicPart(first), second: publicPart(second) };
}

function estimateOf(variance: number, degrees: number): { standardError: number; degrees: number } {
  if (!(degrees > 0)) return { standardError: Infinity, degrees: 0 };
  return { standardError: Math.sqrt((variance * (degrees + 1)) / degrees), degrees };
}

/** Clusters with the number of all their values. */
interface SizedClusters extends Clusters {
  readonly count: number;
}

const sized = ({ counts, sums }: Clusters): SizedClusters => ({ counts, sums, count: total(counts) });

function armOf(strata: readonly SizedClusters[], weights: readonly number[]): Arm {
  const clusters = strata[0]!.counts.length;
  const influence = new Float64Array(clusters);
  const shares = new Float64Array(clusters);
  let mean = 0;
  let samples = 0;
  let inverseSize = 0;
  for (const [index, { counts, sums, count }] of strata.entries()) {
    const own = total(sums) / count;
    const weight = weights[index]!;
    mean += weight * own;
    samples += count;
    inverseSize += weight ** 2 / count;
    for (let c = 0; c < clusters; c++) {
      influence[c]! += (weight * (sums[c]! - own * counts[c]!)) / count;
      shares[c]! += (weight * counts[c]!) / count;
    }
  }
  return { mean, samples, influence, variance: sumOfSquares(influence), clusters: 1 / sumOfSquares(shares), effectiveSamples: 1 / inverseSize };
}

function added(parts: readonly Clusters[]): Clusters {
  const size = parts[0]?.counts.length ?? 0;
  const counts = new Array<number>(size).fill(0);
  const sums = new Array<number>(size).fill(0);
  for (const part of parts) {
    for (let c = 0; c < size; c++) {
      counts[c]! += part.counts[c]!;
      sums[c]! += part.sums[c]!;
    }
  }
  return { counts, sums };
}

const publicPart = ({ mean, samples, clusters }: Arm): ArmMean => ({ mean, samples, clusters });

function total(values: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index]!;
  return sum;
}

function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return sum;
}
