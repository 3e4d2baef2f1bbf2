const HOUR_MS = 3_600_000;

/**
 * Turns wall-clock times of one zone into instants. Wall-clock times are held as the epoch milliseconds they would be
 * in UTC. A time that the clock skips in spring counts as if it had not been put forward; one that it shows twice in autumn
 * is the later.
 */
export class WallClock {
  private readonly offsetFormat: Intl.DateTimeFormat;
  /** Formatting takes microseconds, and zones change only at full hours. */
  private readonly offsetByHour = new Map<number, number>();

  constructor(zone: string) {
    this.offsetFormat = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  }

  toInstantMs(wallMs: number): number {
    const hour = Math.floor(wallMs / HOUR_MS);
    let offsetMs = this.offsetByHour.get(hour);
    if (offsetMs === undefined) {
      offsetMs = this.offsetAtWallHour(hour * HOUR_MS);
      this.offsetByHour.set(hour, offsetMs);
    }
    return wallMs - offsetMs;
  }

  /** Of the offsets in force a day before and a day after, the one that was in force then; the lesser where both or neither was. */
  private offsetAtWallHour(wallMs: number): number {
    const candidates = [this.offsetAt(wallMs - 24 * HOUR_MS), this.offsetAt(wallMs + 24 * HOUR_MS)];
    const inForce = candidates.filter((offsetMs) => this.offsetAt(wallMs - offsetMs) === offsetMs);
    return Math.min(...(inForce.length > 0 ? inForce : candidates));
  }

  private offsetAt(instantMs: number): number {
    const name = this.offsetFormat.formatToParts(instantMs).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const [, sign, hours, minutes] = /^GMT(?:([+-])(\d\d):(\d\d))?$/.exec(name) ?? [];
    const offsetMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
    return sign === '-' ? -offsetMs : offsetMs;
  }
}
