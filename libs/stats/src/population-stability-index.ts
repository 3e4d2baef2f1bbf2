/** A share of nothing would make the logarithm infinite; this floor is the customary one. */
const SHARE_FLOOR = 1e-4;

/**
 * Population stability index: Σ (q − p)·ln(q/p), the symmetrised Kullback-Leibler divergence of two binned distributions; 0 when equal.
 * Customary reading with 10 bins of equal mass: 0.1 warns, 0.25 alarms. Under no change its 95 % point is about
 * χ²(B−1, .95)·(1/n + 1/m) (Yurdakul, Statistical Properties of Population Stability Index, 2018).
 *
 * @param expected counts of the baseline, at most about 10 bins
 * @param actual counts of the window in the same bins
 */
export function populationStabilityIndex(expected: readonly number[], actual: readonly number[]): number {
  const n = expected.reduce((sum, count) => sum + count, 0);
  const m = actual.reduce((sum, count) => sum + count, 0);
  if (n === 0 || m === 0) throw new RangeError('both samples need at least one value');
  return expected.reduce((index, count, bin) => {
    const p = Math.max(count / n, SHARE_FLOOR);
    const q = Math.max(actual[bin]! / m, SHARE_FLOOR);
    return index + (q - p) * Math.log(q / p);
  }, 0);
}
