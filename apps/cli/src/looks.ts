import { setTimeout } from 'node:timers/promises';

const FIRST_PAUSE_MS = 25;

/** Pauses between looks at a job of a service: most are done at once, and a person waits; one that takes long is not asked all the time. */
export class Looks {
  private nextMs = FIRST_PAUSE_MS;

  constructor(private readonly longestMs: number) {}

  async pause(): Promise<void> {
    await setTimeout(this.nextMs);
    this.nextMs = Math.min(2 * this.nextMs, this.longestMs);
  }
}
