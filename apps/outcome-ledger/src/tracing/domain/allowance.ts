/** So many a second, a second's worth at once (a token bucket). The clock is the caller's. */
export class Allowance {
  private left: number;
  private lastMs: number | undefined;

  /** @param perSecond what comes back in a second, and the most that gathers */
  constructor(private readonly perSecond: number) {
    this.left = perSecond;
  }

  /** True when there was one left to take. @param nowMs epoch milliseconds */
  take(nowMs: number): boolean {
    const sinceMs = Math.max(0, nowMs - (this.lastMs ?? nowMs));
    this.lastMs = nowMs;
    this.left = Math.min(this.perSecond, this.left + (sinceMs * this.perSecond) / 1000);
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
