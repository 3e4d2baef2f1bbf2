/** A step longer than this is a process that stood still; what it missed is not made up for in one burst. */
const MAX_STEP_MS = 250;

/** Event time as it passes in the replay: `speed` event seconds a second, or a share of that. */
export class ReplayClock {
  constructor(
    private eventTimeMs: number,
    private readonly speed: number,
  ) {}

  get nowMs(): number {
    return this.eventTimeMs;
  }

  /**
   * @param elapsedMs on the wall since the last step
   * @param share of the speed, from 0 to 1
   * @returns the event time now, epoch milliseconds
   */
  advance(elapsedMs: number, share: number): number {
    this.eventTimeMs += Math.min(elapsedMs, MAX_STEP_MS) * this.speed * share;
    return this.eventTimeMs;
  }
}
