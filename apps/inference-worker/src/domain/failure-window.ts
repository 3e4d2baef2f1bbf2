export interface FailureWindowOptions {
  /** How far back calls count. */
  readonly windowMs: number;
  /** Share of failures from which on there are too many; above 0, at most 1. */
  readonly failureShare: number;
  /** With fewer calls in the window there are never too many failures. */
  readonly minCalls: number;
}

interface Slice {
  /** Number of the slice since the epoch. */
  number: number;
  calls: number;
  failures: number;
}

/** The window moves on by a tenth of itself. */
const SLICES = 10;

/** Calls of the last while and how many of them failed. What is older is forgotten even if nothing has come since. */
export class FailureWindow {
  private readonly slices: Slice[] = Array.from({ length: SLICES }, () => ({ number: Number.NEGATIVE_INFINITY, calls: 0, failures: 0 }));

  constructor(private readonly options: FailureWindowOptions) {}

  /** @param nowMs epoch milliseconds */
  record(hasFailed: boolean, nowMs: number): void {
    const slice = this.sliceAt(nowMs);
    slice.calls++;
    if (hasFailed) slice.failures++;
  }

  /** Whether so many of the calls failed that one had better not ask. */
  isFailing(nowMs: number): boolean {
    const { failureShare, minCalls } = this.options;
    const newest = this.numberAt(nowMs);
    let calls = 0;
    let failures = 0;
    for (const slice of this.slices) {
      if (slice.number <= newest - SLICES || slice.number > newest) continue;
      calls += slice.calls;
      failures += slice.failures;
    }
    return failures > 0 && calls >= minCalls && failures >= failureShare * calls;
  }

  clear(): void {
    for (const slice of this.slices) slice.number = Number.NEGATIVE_INFINITY;
  }

  private sliceAt(nowMs: number): Slice {
    const number = this.numberAt(nowMs);
    const slice = this.slices[((number % SLICES) + SLICES) % SLICES]!;
    if (slice.number === number) return slice;
    slice.number = number;
    slice.calls = 0;
    slice.failures = 0;
    return slice;
  }

  private numberAt(nowMs: number): number {
    return Math.floor((nowMs * SLICES) / this.options.windowMs);
  }
}
