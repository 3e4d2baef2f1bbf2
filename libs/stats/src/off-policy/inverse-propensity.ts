import { clusteredDifference, clusteredMean, type ClusteredEstimate } from '../sequential/clustered-mean.js';
import type { WeightedClusters } from './weighted-clusters.js';

/** What a policy would have earned on average, from what another one did. */
export interface OffPolicyEstimate extends ClusteredEstimate {
  /** Values with a weight above 0. */
  readonly samples: number;
  /** As many values of equal weight would be as good: (Σw)²/Σw². Kish, 1965. */
  readonly effectiveSamples: number;
  /** As many clusters of equal weight would be as good: (Σ_c W_c)²/Σ_c W_c². */
  readonly effectiveClusters: number;
}

/** Values of equal weight that a sum of weighted ones is worth: (Σw)²/Σw²; 0 of none. Kish, Survey Sampling, 1965, 11.7. */
export function effectiveSamples({ counts, squaredWeights }: Pick<WeightedClusters, 'counts' | 'squaredWeights'>): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return squaredWeights === 0 ? 0 : (total * total) / squaredWeights;
}

/**
 * Self-normalised inverse-propensity estimate of the mean reward of a policy: μ̂ = Σ wᵢrᵢ / Σ wᵢ with wᵢ = 1[the policy does what was done] / P(what was
 * done). Hájek, 1971; Swaminathan and Joachims, The self-normalized estimator for counterfactual learning, 2015. It needs no model of the outcome and allows
 * outcomes to depend on decisions; it needs the chances with which the past decided, and that whatever the policy does had a chance.
 *
 * The variance is that of a ratio, by the influence of clusters: B/(B−1) · Σ_c ((S_c − μ̂·W_c)/W)², with W_c, S_c the sums of w and w·r of cluster c and B the
 * effective number of clusters. The same, but for B, as the cluster-robust variance (Liang and Zeger, 1986) of a weighted regression on a constant.
 *
 * @returns undefined without any weight
 */
export function hajekMean(weighted: WeightedClusters): OffPolicyEstimate | undefined {
  const mean = clusteredMean([weighted]);
  if (mean === undefined) return undefined;
  const { value, standardError, degrees, clusters } = mean;
  return { value, standardError, degrees, samples: weighted.samples, effectiveSamples: effectiveSamples(weighted), effectiveClusters: clusters };
}

/**
 * Difference of the mean rewards of two arms, first minus second, each weighted by one over the chance that it answered: both then stand for all of the
 * traffic of all steps, however the shares moved from step to step. Pooled means would compare one arm's traffic of late with the other's of early.
 *
 * Weights are scaled so that each arm counts as many samples as it is worth, which changes no mean; then as `clusteredDifference`, clusters over both arms.
 *
 * @returns undefined while one arm has no weight
 */
export function hajekDifference(first: WeightedClusters, second: WeightedClusters): ClusteredEstimate | undefined {
  return clusteredDifference([{ first: scaled(first), second: scaled(second) }]);
}

function scaled({ counts, sums, squaredWeights }: WeightedClusters): Pick<WeightedClusters, 'counts' | 'sums'> {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const scale = squaredWeights === 0 ? 0 : total / squaredWeights;
  return { counts: counts.map((count) => count * scale), sums: sums.map((sum) => sum * scale) };
}

/**
 * Chance that a decision is taken which arms take with these chances: Σ_v p_v · 1[arm v decides so]. What is known exactly is the chance of the arm that
 * answered; the others share the rest as their own chances say.
 *
 * @param answered chance of the arm that answered
 * @param others chance of each other arm, and whether it decides as the one that answered
 * @returns in (0, 1]
 */
export function decisionPropensity(answered: number, others: readonly { readonly propensity: number; readonly decidesAlike: boolean }[]): number {
  const total = others.reduce((sum, { propensity }) => sum + propensity, 0);
  if (total <= 0) return Math.min(1, answered);
  const alike = others.reduce((sum, { propensity, decidesAlike }) => (decidesAlike ? sum + propensity : sum), 0);
  return Math.min(1, answered + (1 - answered) * (alike / total));
}
