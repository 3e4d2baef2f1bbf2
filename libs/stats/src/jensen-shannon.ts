/**
 * Jensen-Shannon distance: √(½·KL(p‖m) + ½·KL(q‖m)) with m = (p + q)/2 and base-2 logarithms; a metric in [0, 1]. Endres and
 * Schindelin, A new metric for probability distributions, 2003. With 10 bins 0.1 is a customary alarm; with many bins chance alone exceeds it.
 *
 * @param a counts of one sample
 * @param b counts of the other in the same bins
 */
export function jensenShannonDistance(a: readonly number[], b: readonly number[]): number {
  const n = a.reduce((sum, count) => sum + count, 0);
  const m = b.reduce((sum, count) => sum + count, 0);
  if (n === 0 || m === 0) throw new RangeError('both samples need at least one value');
  const divergence = a.reduce((sum, count, bin) => {
    const p = count / n;
    const q = b[bin]! / m;
    const middle = (p + q) / 2;
    return sum + (p > 0 ? p * Math.log2(p / middle) : 0) / 2 + (q > 0 ? q * Math.log2(q / middle) : 0) / 2;
  }, 0);
  return Math.sqrt(Math.max(0, divergence));
}
