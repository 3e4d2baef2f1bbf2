/**
 * Benjamini-Hochberg: which hypotheses to reject so that the expected share of false ones among the rejected is at most q. The k
 * smallest p-values are rejected for the largest k with p(k) ≤ k·q/n. Benjamini and Hochberg, 1995.
 *
 * @returns one verdict a p-value, in the order given
 */
export function benjaminiHochberg(pValues: readonly number[], q = 0.05): boolean[] {
  const ascending = pValues.toSorted((a, b) => a - b);
  const last = ascending.findLastIndex((p, index) => p <= ((index + 1) * q) / pValues.length);
  const threshold = last === -1 ? Number.NEGATIVE_INFINITY : ascending[last]!;
  return pValues.map((p) => p <= threshold);
}
