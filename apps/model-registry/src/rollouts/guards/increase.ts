import { clusteredDifference, clusteredMean, oneSidedConfidenceSequences, type ArmMean, type ClusteredEstimate, type Interval } from '@throughline/stats';
import type { Evidence, Measure } from '../domain/evidence.js';
import type { RolloutSpec } from '../domain/spec.js';
import { clustersOf, ordered, strataOf } from './arms.js';

/** A difference of two arms, or the mean of paired differences. */
export interface Difference extends ClusteredEstimate {
  readonly candidate: ArmMean;
  readonly champion: ArmMean;
}

/**
 * Candidate minus champion in a measure. Of a shadow the differences of single predictions, where there are any: what the requests had in common falls out of them.
 *
 * @param paired the measure that holds those
 * @returns undefined while there is nothing to compare
 */
export function differenceOf(spec: RolloutSpec, evidence: Evidence, measure: Measure, paired?: Measure): Difference | undefined {
  const arms = clusteredDifference(strataOf(spec, evidence, measure));
  const pairs = spec.strategy === 'shadow' && paired !== undefined ? clusteredMean([clustersOf(ordered(evidence), 'candidate', paired)]) : undefined;
  if (pairs !== undefined) {
    const { samples, clusters } = pairs;
    const unknown = Number.NaN;
    return { ...pairs, candidate: { mean: arms?.first.mean ?? unknown, samples, clusters }, champion: { mean: arms?.second.mean ?? unknown, samples, clusters } };
  }
  return arms && { ...arms, candidate: arms.first, champion: arms.second };
}

/** A confidence sequence is tightest where the estimate is a little over three standard errors from nothing; this much of one at the first samples that may be judged. */
const SURE_ERRORS = 3.4;

/**
 * τ of the mixture: the effect that would just be found when both arms have the guard's minimum of samples, so that the sequence is tightest there; at a hundred times as many it is
 * 15 % wider than the best. It follows from the spread of the values alone, whatever their unit and the limit.
 */
export function soonestEffect(estimate: ClusteredEstimate & { readonly candidate: ArmMean; readonly champion?: ArmMean | undefined }, minSamples: number): number {
  const size = 1 / (1 / estimate.candidate.samples + (estimate.champion === undefined ? 0 : 1 / estimate.champion.samples));
  return SURE_ERRORS * estimate.standardError * Math.sqrt(size / Math.max(1, minSamples));
}

/** Each bound holds at every look with probability 1 − α. */
export const boundsOf = (difference: Difference, minSamples: number, alpha: number): Interval => oneSidedConfidenceSequences(difference, soonestEffect(difference, minSamples), alpha);
