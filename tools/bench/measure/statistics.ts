export interface Percentiles {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** Exact percentiles (nearest rank) of the values that are numbers. */
export function percentilesOf(valuesMs: Iterable<number>): Percentiles {
  const sorted = Float64Array.from([...valuesMs].filter((value) => !Number.isNaN(value))).sort();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
  return { count: sorted.length, p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), p999Ms: at(0.999), maxMs: at(1) };
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** Median, and between which values the rounds lay. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const spreadOf = (values: readonly number[]): Spread => ({ median: median(values), min: Math.min(...values), max: Math.max(...values) });

/** Round by round: neighbours in time share the machine's mood, so their ratio is steadier than that of two medians. */
export const ratiosOf = (values: readonly number[], limits: readonly number[]): Spread => spreadOf(values.map((value, round) => value / limits[round]!));
