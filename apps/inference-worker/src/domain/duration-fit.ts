/** What a run has taught loses this share of its weight with every later run: about the last fifty count. */
const FORGETTING = 0.98;
/** Before so much weight has gathered a fit says nothing. */
const MIN_WEIGHT = 3;

/**
 * How long a run of n rows takes: duration = a·n + b, fitted by least squares over recent runs, older ones weighing less and less. Neither
 * coefficient is ever negative: a fit that would be is replaced by the line through the mean that has no fixed part, or no slope.
 */
export class DurationFit {
  private weight = 0;
  private sumRows = 0;
  private sumMs = 0;
  private sumRowsSquared = 0;
  private sumRowsMs = 0;

  /** @param ms from the start of packing to the end of the run */
  observe(rows: number, ms: number): void {
    this.weight = this.weight * FORGETTING + 1;
    this.sumRows = this.sumRows * FORGETTING + rows;
    this.sumMs = this.sumMs * FORGETTING + ms;
    this.sumRowsSquared = this.sumRowsSquared * FORGETTING + rows * rows;
    this.sumRowsMs = this.sumRowsMs * FORGETTING + rows * ms;
  }

  /** Milliseconds that a run of so many rows will take; 0 while too little is known. */
  predictMs(rows: number): number {
    const { perRowMs, fixedMs } = this.coefficients;
    return perRowMs * rows + fixedMs;
  }

  get coefficients(): { readonly perRowMs: number; readonly fixedMs: number } {
    if (this.weight < MIN_WEIGHT) return { perRowMs: 0, fixedMs: 0 };
    const meanRows = this.sumRows / this.weight;
    const meanMs = this.sumMs / this.weight;
    const variance = this.sumRowsSquared / this.weight - meanRows * meanRows;
    // All runs of one size: nothing tells the slope from the rest.
    if (variance < 1e-9 * meanRows * meanRows) return { perRowMs: meanMs / meanRows, fixedMs: 0 };
    const perRowMs = Math.max(0, (this.sumRowsMs / this.weight - meanRows * meanMs) / variance);
    const fixedMs = meanMs - perRowMs * meanRows;
    return fixedMs >= 0 ? { perRowMs, fixedMs } : { perRowMs: meanMs / meanRows, fixedMs: 0 };
  }
}
