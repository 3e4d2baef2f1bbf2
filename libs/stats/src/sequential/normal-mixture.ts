import type { ClusteredEstimate } from './clustered-mean.js';
import { studentised, studentQuantile } from './student.js';

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Half the width of a confidence sequence, in standard errors: an interval of this width around the estimate, drawn anew at every look, misses the truth at any
 * of them with probability α at most.
 *
 * With information I = 1/V the score I·θ̂ moves like a Brownian motion with drift θ. Mixing its likelihood ratios over drifts N(0, τ²) gives a martingale, which
 * exceeds 1/α ever with probability α (Ville, 1939; Robbins, 1970); solved for θ̂: √((1 + 1/(Iτ²)) · ln((1 + Iτ²)/α²)).
 *
 * @param standardError of the estimate, now
 * @param tau the effect that should be found soonest; the width is within a tenth of the best where the estimate is just sure of an effect of this size, and valid at any
 */
export function mixtureQuantile(standardError: number, tau: number, alpha: number): number {
  const x = (tau / standardError) ** 2;
  return Math.sqrt((1 + 1 / x) * (Math.log1p(x) - 2 * Math.log(alpha)));
}

/**
 * The same on one side, mixed over the positive half of N(0, τ²): √(2 · (1 + 1/(Iτ²)) · ln(1 + √(1 + Iτ²)/(2α))).
 * Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Time-uniform central limit theory and asymptotic confidence sequences, 2021.
 */
export function oneSidedMixtureQuantile(standardError: number, tau: number, alpha: number): number {
  const x = (tau / standardError) ** 2;
  return Math.sqrt(2 * (1 + 1 / x) * Math.log1p(Math.sqrt(1 + x) / (2 * alpha)));
}

/** Interval that covers the truth at every look with probability 1 − α. The standard error is an estimate from clusters: its degrees of freedom widen it. */
export function confidenceSequence(estimate: ClusteredEstimate, tau: number, alpha: number): Interval {
  return around(estimate, (error) => studentised(mixtureQuantile(error, tau, alpha), estimate.degrees));
}

/** Two bounds, each of which holds at every look with probability 1 − α (both at once with 1 − 2α). */
export function oneSidedConfidenceSequences(estimate: ClusteredEstimate, tau: number, alpha: number): Interval {
  return around(estimate, (error) => studentised(oneSidedMixtureQuantile(error, tau, alpha), estimate.degrees));
}

/** Interval for one look at a time chosen before the data: Student's t with the degrees of freedom of the clusters. Looked at often, it misses the truth far more often than α. */
export function fixedHorizonInterval(estimate: ClusteredEstimate, alpha: number): Interval {
  return around(estimate, () => studentQuantile(alpha / 2, estimate.degrees));
}

function around({ value, standardError }: ClusteredEstimate, quantile: (standardError: number) => number): Interval {
  if (standardError === 0) return { low: value, high: value };
  if (standardError === Infinity) return { low: -Infinity, high: Infinity };
  const half = quantile(standardError) * standardError;
  return { low: value - half, high: value + half };
}
