/** Bin i holds durations from γ^(i-1) to γ^i milliseconds, so that any quantile is told to within (γ − 1) / (γ + 1), 2.5 %. */
const GAMMA = 1.05;
const LOG_GAMMA = Math.log(GAMMA);
/** A tenth of a microsecond: less is the same as nothing. */
const LOWEST_MS = 1e-4;

/**
 * Durations of any length in fixed logarithmic bins (Masson, Rim, Lee: DDSketch, VLDB 2019, without the collapsing that only unbounded ranges
 * need). Plain JSON, merged by addition: the same durations give the same sketch in whatever order and batches they come.
 */
export interface DurationSketch {
  count: number;
  sumMs: number;
  /** Durations of `LOWEST_MS` or less. */
  zeros: number;
  /** Number of durations by bin. */
  bins: Record<string, number>;
}

export const noDurations = (): DurationSketch => ({ count: 0, sumMs: 0, zeros: 0, bins: {} });

/** Counts one duration, in place. Clocks of two machines may make it negative: then it is nothing. */
export function addDuration(sketch: DurationSketch, durationMs: number): void {
  sketch.count += 1;
  if (durationMs <= LOWEST_MS) {
    sketch.zeros += 1;
    return;
  }
  sketch.sumMs += durationMs;
  const bin = Math.ceil(Math.log(durationMs) / LOG_GAMMA);
  sketch.bins[bin] = (sketch.bins[bin] ?? 0) + 1;
}

export function mergeDurations(a: DurationSketch, b: DurationSketch): DurationSketch {
  const bins = { ...a.bins };
  for (const [bin, count] of Object.entries(b.bins)) bins[bin] = (bins[bin] ?? 0) + count;
  return { count: a.count + b.count, sumMs: a.sumMs + b.sumMs, zeros: a.zeros + b.zeros, bins };
}

/** The duration that a share `q` of all does not exceed, in milliseconds; `undefined` of none. */
export function quantileMs({ count, zeros, bins }: DurationSketch, q: number): number | undefined {
  if (count === 0) return undefined;
  let left = Math.ceil(q * count) - zeros;
  if (left <= 0) return 0;
  for (const bin of sortedBins(bins)) {
    left -= bins[bin]!;
    if (left <= 0) return middleMs(bin);
  }
  return undefined;
}

/** Share of the durations that are longer; of none it is 0. */
export function shareOver({ count, bins }: DurationSketch, limitMs: number): number {
  if (count === 0) return 0;
  return sortedBins(bins).reduce((sum, bin) => (middleMs(bin) > limitMs ? sum + bins[bin]! : sum), 0) / count;
}

/** Half-way in relative terms: nowhere in the bin is further from it than the bound. */
const middleMs = (bin: number): number => (2 * GAMMA ** bin) / (GAMMA + 1);
const sortedBins = (bins: DurationSketch['bins']): number[] => Object.keys(bins).map(Number).sort((a, b) => a - b);
