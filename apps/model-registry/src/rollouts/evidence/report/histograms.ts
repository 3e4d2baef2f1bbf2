import { orderedBins, quantileBin, totalWeight, type SparseHistogram } from '@throughline/stats';
import { binEdges, binValue } from '../../domain/evidence.js';

/** A bar of a histogram: how much lies in [from, to). */
export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface Quantiles {
  readonly p01: number;
  readonly p05: number;
  readonly p25: number;
  readonly p50: number;
  readonly p75: number;
  readonly p95: number;
  readonly p99: number;
}

const LEVELS: readonly (readonly [keyof Quantiles, number])[] = [['p01', 0.01], ['p05', 0.05], ['p25', 0.25], ['p50', 0.5], ['p75', 0.75], ['p95', 0.95], ['p99', 0.99]];
/** What lies outside of it is a point far away that would press all others into one bar. */
const SHOWN = { low: 0.001, high: 0.999 };

/** The value at a level, to 1 %. @returns undefined of an empty histogram */
export function quantile(histogram: SparseHistogram, level: number): number | undefined {
  const bin = quantileBin(histogram, level);
  return bin === undefined ? undefined : rounded(binValue(bin));
}

export function quantiles(histogram: SparseHistogram): Quantiles | undefined {
  if (totalWeight(histogram) === 0) return undefined;
  return Object.fromEntries(LEVELS.map(([name, level]) => [name, quantile(histogram, level)])) as unknown as Quantiles;
}

/** What cannot be told from 0 is drawn as 0: spread over its bin it would look like differences that nobody has seen. */
const drawnEdges = (bin: number): readonly [number, number] => (bin === 0 ? [0, 0] : binEdges(bin));

/** The range that shows nearly all of these histograms, with a little air. */
export function shownRange(histograms: readonly SparseHistogram[]): readonly [number, number] | undefined {
  const ends = histograms.flatMap((histogram) => {
    const [low, high] = [quantileBin(histogram, SHOWN.low), quantileBin(histogram, SHOWN.high)];
    return low === undefined || high === undefined ? [] : [drawnEdges(low)[0], drawnEdges(high)[1]];
  });
  if (ends.length === 0) return undefined;
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

/**
 * Bars of equal width for a picture. What a logarithmic bin holds is spread evenly over it, so that no teeth come of the two grids; what lies outside of
 * the range is in the outermost bars.
 */
export function bars(histogram: SparseHistogram, [low, high]: readonly [number, number], count: number): Bar[] {
  const width = (high - low) / count;
  const weights = new Array<number>(count).fill(0);
  const at = (value: number): number => Math.min(count - 1, Math.max(0, Math.floor((value - low) / width)));
  for (const [bin, weight] of orderedBins(histogram)) {
    const [from, to] = drawnEdges(bin);
    const [first, last] = [at(from), at(to)];
    if (first === last || !(to > from)) weights[first]! += weight;
    else {
      for (let bar = first; bar <= last; bar++) {
        const left = bar === first ? from : low + bar * width;
        const right = bar === last ? to : low + (bar + 1) * width;
        weights[bar]! += (weight * Math.max(0, right - left)) / (to - from);
      }
    }
  }
  return weights.map((weight, bar) => ({ from: rounded(low + bar * width), to: rounded(low + (bar + 1) * width), count: rounded(weight) }));
}

/** Six digits are more than bins of 2 % know. */
export const rounded = (value: number): number => Number(value.toPrecision(6));
