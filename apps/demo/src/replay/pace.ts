import type { Bus } from '@throughline/bus';
import { liveLine } from '../domain/live-line.js';
import { ReplayClock } from '../domain/replay-clock.js';
import type { ReplayBooks } from '../domain/replay-books.js';
import { FULL_SPEED, throttleAfter, type Backlog, type Throttle } from '../domain/throttle.js';
import { pause } from '../eventually.js';
import { BacklogReader } from './backlogs.js';
import type { FlightReplay } from './flight-replay.js';
import type { Witness } from './witness.js';

export interface PaceOptions {
  readonly startMs: number;
  readonly endMs: number;
  readonly speed: number;
  readonly forMs: number;
  readonly replay: FlightReplay;
  readonly books: ReplayBooks;
  readonly witness: Witness;
  readonly bus: Bus;
  /** Everything before this event time is published and acknowledged. */
  readonly onPosition: (positionMs: number) => Promise<void>;
  /** Once a second. */
  readonly onReport: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Paced {
  readonly untilMs: number;
  readonly seconds: number;
  readonly slowest: { readonly share: number; readonly consumer: string } | undefined;
}

const TICK_MS = 20;
const REPORT_MS = 1000;

/** Replays for a while of the wall, in event time, no faster than the platform can follow. */
export class Pace {
  private readonly clock: ReplayClock;
  private readonly backlogs: BacklogReader;
  private throttle: Throttle = FULL_SPEED;
  private slowest: Paced['slowest'];
  private publishedUntilMs: number;
  private last = { atMs: 0, answers: 0, outcomes: 0 };

  constructor(private readonly options: PaceOptions) {
    this.publishedUntilMs = options.startMs;
    this.clock = new ReplayClock(options.startMs, options.speed);
    this.backlogs = new BacklogReader(options.bus.admin, () => performance.now());
  }

  async run(): Promise<Paced> {
    const { replay, signal, forMs, endMs } = this.options;
    const stop = new AbortController();
    const reporting = this.reportUntil(stop.signal);
    const startedMs = performance.now();
    let lastMs = startedMs;
    try {
      while (!signal.aborted && !replay.hasEnded && performance.now() - startedMs < forMs) {
        const nowMs = performance.now();
        const untilMs = Math.min(endMs, Math.floor(this.clock.advance(nowMs - lastMs, this.throttle.share)));
        lastMs = nowMs;
        await replay.publishUntil(untilMs);
        this.publishedUntilMs = untilMs;
        await pause(TICK_MS, signal);
      }
    } finally {
      stop.abort();
      await reporting;
      await this.options.onPosition(this.publishedUntilMs);
    }
    return { untilMs: this.publishedUntilMs, seconds: (performance.now() - startedMs) / 1000, slowest: this.slowest };
  }

  private async reportUntil(signal: AbortSignal): Promise<void> {
    this.last.atMs = performance.now();
    // Rates are differences: the first needs something to differ from.
    await this.backlogs.read().catch(() => []);
    while (!signal.aborted) {
      await pause(REPORT_MS, signal);
      if (signal.aborted) return;
      // Without an answer from the brokers nothing can be published either, and that fails loudly.
      const backlogs = await this.backlogs.read().catch((): Backlog[] => []);
      this.adjust(backlogs);
      await this.options.onPosition(this.publishedUntilMs);
      this.options.onReport(this.line(backlogs));
    }
  }

  private adjust(backlogs: readonly Backlog[]): void {
    this.throttle = throttleAfter(this.throttle, backlogs);
    const { share, behind } = this.throttle;
    if (behind !== undefined && share < (this.slowest?.share ?? 1)) this.slowest = { share, consumer: behind.consumer };
  }

  private line(backlogs: readonly Backlog[]): string {
    const { books, witness } = this.options;
    const { scored, fallback, rejected, outcomes, joined } = books.counts;
    const answers = scored + fallback + rejected;
    const atMs = performance.now();
    const seconds = (atMs - this.last.atMs) / 1000;
    const lag = new Map<string, number>();
    for (const { consumer, messages } of backlogs) lag.set(consumer, (lag.get(consumer) ?? 0) + messages);
    const moment = {
      eventTimeMs: this.publishedUntilMs, predictionsPerSecond: (answers - this.last.answers) / seconds, outcomesPerSecond: (outcomes - this.last.outcomes) / seconds, joined, lag,
      version: witness.champion, auc: witness.quality.report().auc, alerts: witness.alerts.length, throttle: this.throttle,
    };
    this.last = { atMs, answers, outcomes };
    return liveLine(moment);
  }
}
