import { setTimeout } from 'node:timers/promises';

/** Something done at once and then again and again, with this many milliseconds between the end of a round and the next; never two rounds at a time. */
export class Rounds {
  private readonly stopping = new AbortController();
  private readonly loop: Promise<void>;

  /** @param onError what a round failed with; the next one comes all the same */
  constructor(private readonly everyMs: number, private readonly round: () => Promise<void>, private readonly onError: (error: unknown) => void) {
    this.loop = this.run();
  }

  /** Resolves when the round under way has ended; none follows. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.round().catch(this.onError);
      // Rejects when the rounds are stopped.
      await setTimeout(this.everyMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
