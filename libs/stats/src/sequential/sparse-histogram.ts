/** Weight by bin; a higher bin is a higher value. Bins without weight are absent. */
export type SparseHistogram = Readonly<Record<string, number>>;

/** Bins in ascending order, with their weights: sums over them must not depend on the order in which somebody stored them. */
export function orderedBins(histogram: SparseHistogram): [bin: number, weight: number][] {
  const bins: [number, number][] = [];
  let isOrdered = true;
  for (const key in histogram) {
    const bin = Number(key);
    isOrdered &&= bins.length === 0 || bins[bins.length - 1]![0] < bin;
    bins.push([bin, histogram[key]!]);
  }
  return isOrdered ? bins : bins.sort(([a], [b]) => a - b);
}

export const totalWeight = (histogram: SparseHistogram): number => orderedBins(histogram).reduce((sum, [, weight]) => sum + weight, 0);

/**
 * The bin that holds the quantile: the first at which the cumulative weight reaches `level` of the whole.
 *
 * @returns undefined of an empty histogram
 */
export function quantileBin(histogram: SparseHistogram, level: number): number | undefined {
  const bins = orderedBins(histogram);
  const wanted = level * bins.reduce((sum, [, weight]) => sum + weight, 0);
  let cumulative = 0;
  for (const [bin, weight] of bins) {
    cumulative += weight;
    // Weights may be fractions, whose sum differs from the whole in its last bits.
    if (weight > 0 && cumulative >= wanted * (1 - 1e-12)) return bin;
  }
  return bins.at(-1)?.[0];
}

/** Weight in bins above `bin`. */
export const weightAbove = (histogram: SparseHistogram, bin: number): number => orderedBins(histogram).reduce((sum, [own, weight]) => (own > bin ? sum + weight : sum), 0);

/**
 * Kolmogorov-Smirnov distance max |F − G| of two histograms over the same bins. Binning hides at most the mass of the largest bin.
 *
 * @returns undefined when one is empty
 */
export function histogramDistance(a: SparseHistogram, b: SparseHistogram): number | undefined {
  const [n, m] = [totalWeight(a), totalWeight(b)];
  if (!(n > 0) || !(m > 0)) return undefined;
  const [first, second] = [orderedBins(a), orderedBins(b)];
  let gap = 0;
  let distance = 0;
  for (let i = 0, j = 0; i < first.length || j < second.length; ) {
    const bin = Math.min(first[i]?.[0] ?? Infinity, second[j]?.[0] ?? Infinity);
    if (first[i]?.[0] === bin) gap += first[i++]![1] / n;
    if (second[j]?.[0] === bin) gap -= second[j++]![1] / m;
    distance = Math.max(distance, Math.abs(gap));
  }
  return Math.min(1, distance);
}

/** Mean and variance of the values of a histogram. */
export function histogramMoments(histogram: SparseHistogram, valueOf: (bin: number) => number): { mean: number; variance: number } {
  const bins = orderedBins(histogram);
  const weight = bins.reduce((sum, [, own]) => sum + own, 0);
  if (!(weight > 0)) return { mean: Number.NaN, variance: Number.NaN };
  const mean = bins.reduce((sum, [bin, own]) => sum + own * valueOf(bin), 0) / weight;
  return { mean, variance: bins.reduce((sum, [bin, own]) => sum + own * (valueOf(bin) - mean) ** 2, 0) / weight };
}

/** Sum of histograms, each times its weight. */
export function weightedSum(parts: readonly (readonly [SparseHistogram, number])[]): SparseHistogram {
  const sum: Record<string, number> = {};
  for (const [histogram, factor] of parts) for (const bin in histogram) sum[bin] = (sum[bin] ?? 0) + factor * histogram[bin]!;
  return sum;
}
