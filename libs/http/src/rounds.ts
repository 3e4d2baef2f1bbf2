import { setTimeout } from 'node:timers/promises';

/** Something done at once and then again and again, with this many milliseconds between the end of a round and the next; never two rounds at a time. */
export class Rounds {
  private readonly stopping = new AbortController();
  private pause = new AbortController();
  private readonly loop: Promise<void>;

  /**
   * @param everyMs the pause, or what says it after every round
   * @param round is told by the signal that the rounds are to stop
   * @param onError what a round failed with; the next one comes all the same
   */
  constructor(private readonly everyMs: number | (() => number), private readonly round: (stopping: AbortSignal) => Promise<void>, private readonly onError: (error: unknown) => void) {
    this.loop = this.run();
  }

  /** The next round begins without a pause. */
  soon(): void {
    this.pause.abort();
  }

  /** Resolves when the round under way has ended; none follows. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.pause.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      // Before the round: what it may have overlooked is worth another one.
      this.pause = new AbortController();
      await this.round(this.stopping.signal).catch(this.onError);
      // Rejects when the pause is cut short.
      const pauseMs = typeof this.everyMs === 'number' ? this.everyMs : this.everyMs();
      await setTimeout(pauseMs, undefined, { signal: this.pause.signal }).catch(() => undefined);
    }
  }
}
