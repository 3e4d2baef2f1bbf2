import { kolmogorovTail } from './special.js';

export interface KolmogorovSmirnov {
  /** Largest distance between the two cumulative distributions, in [0, 1]. */
  readonly distance: number;
  /** Asymptotic, two-sided. */
  readonly pValue: number;
}

/**
 * Two-sample Kolmogorov-Smirnov test over the same bins: D = max |F − G|, p from the Kolmogorov distribution at D·√(nm/(n+m)).
 * Binning can hide at most the mass of the largest bin of D. At large n a trifle is significant: use it with an effect size.
 *
 * @param a counts a bin, in the order of the bins
 * @param b counts of the other sample in the same bins
 * @throws RangeError when a sample is empty
 */
export function kolmogorovSmirnov(a: readonly number[], b: readonly number[]): KolmogorovSmirnov {
  const n = sum(a);
  const m = sum(b);
  if (n === 0 || m === 0) throw new RangeError('both samples need at least one value');
  let distance = 0;
  let f = 0;
  let g = 0;
  for (let bin = 0; bin < a.length; bin++) {
    f += a[bin]! / n;
    g += b[bin]! / m;
    distance = Math.max(distance, Math.abs(f - g));
  }
  return { distance, pValue: kolmogorovTail(distance * Math.sqrt((n * m) / (n + m))) };
}

/** The distance that two samples of these sizes exceed by chance with probability α: c(α)/√(nm/(n+m)), c(α) = √(−½ ln(α/2)); 1.358 at .05, 1.628 at .01. */
export function criticalDistance(n: number, m: number, alpha = 0.05): number {
  return Math.sqrt((-Math.log(alpha / 2) / 2) * (1 / n + 1 / m));
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
