import { incompleteBeta, normalTail } from '../special.js';

/** P(T > t) of Student's t distribution: ½ I_x(ν/2, ½) at x = ν/(ν + t²). Student, 1908; Abramowitz and Stegun 26.7.1. */
export function studentTail(t: number, degrees: number): number {
  const half = incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t < 0 ? 1 - half : half;
}

/**
 * The t that Student's distribution exceeds with this probability.
 *
 * @param tail in (0, 0.5]; 0 gives Infinity
 */
export function studentQuantile(tail: number, degrees: number): number {
  if (!(tail > 0)) return Infinity;
  let low = 0;
  let high = 2;
  for (; studentTail(high, degrees) > tail; high *= 2) if (high > 1e12) return Infinity;
  for (let round = 0; round < 100 && high - low > 1e-14 * high; round++) {
    const middle = (low + high) / 2;
    if (studentTail(middle, degrees) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * What a quantile becomes when the standard error is itself an estimate with few degrees of freedom: the t with the same tail as z has under the normal
 * distribution. Without it a handful of clusters looks far surer than it is.
 */
export const studentised = (z: number, degrees: number): number => (Number.isFinite(z) ? studentQuantile(normalTail(z), degrees) : z);
