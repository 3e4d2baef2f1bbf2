import { setTimeout as delay } from 'node:timers/promises';
import { counter, METRICS } from '@throughline/telemetry';
import { afterExit, describeExit, type Exit } from '../domain/restart.js';

export interface Kept {
  readonly pid: number | undefined;
  readonly exited: Promise<Exit>;
  stop(): Promise<void>;
}

export interface KeeperOptions {
  readonly name: string;
  readonly start: () => Promise<Kept> | Kept;
  /** Told in words what happened to the process. */
  readonly onEvent: (event: string) => void;
}

const restartsTotal = counter(METRICS.serviceRestarts);

/** Keeps one process running: starts it again when it ends unasked, after a growing pause, and counts. */
export class Keeper {
  readonly name: string;
  /** `failed`: it is not started again. */
  state: 'running' | 'waiting' | 'failed' | 'stopped' = 'waiting';
  restarts = 0;
  private current: Kept | undefined;
  private readonly stopping = new AbortController();
  private readonly whenGivenUp: Promise<void>;
  private givenUp: () => void = () => undefined;
  private loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: KeeperOptions) {
    this.name = options.name;
    this.whenGivenUp = new Promise((resolve) => (this.givenUp = resolve));
    // Present from the start, so that a rate can be taken over the first restart.
    restartsTotal.add(0, { service: this.name });
  }

  get pid(): number | undefined {
    return this.current?.pid;
  }

  /** Resolves when the process is not started again because that could not help. */
  get failed(): Promise<void> {
    return this.whenGivenUp;
  }

  /** @param already a process that runs by now, to be kept from here on */
  run(already?: Kept): void {
    this.loop = this.keep(already);
  }

  /** Ends the process, or the pause before its next start. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.current?.stop();
    await this.loop;
    this.state = 'stopped';
  }

  private async keep(already: Kept | undefined): Promise<void> {
    let failuresInRow = 0;
    let next = already;
    while (!this.stopping.signal.aborted) {
      const startedMs = performance.now();
      const exit = await this.once(next);
      next = undefined;
      if (this.stopping.signal.aborted) return;
      const decision = afterExit(exit, failuresInRow, performance.now() - startedMs);
      if (decision.kind === 'give up') return this.giveUp(exit);
      failuresInRow = decision.failuresInRow;
      this.state = 'waiting';
      this.options.onEvent(`${describeExit(exit)}; starting again in ${decision.delayMs} ms`);
      await delay(decision.delayMs, undefined, { signal: this.stopping.signal }).catch(() => undefined);
      if (this.stopping.signal.aborted) return;
      this.restarts += 1;
      restartsTotal.add(1, { service: this.name });
    }
  }

  private async once(already: Kept | undefined): Promise<Exit> {
    try {
      this.current = already ?? (await this.options.start());
      this.state = 'running';
      // Asked to stop while it was starting.
      if (this.stopping.signal.aborted) await this.current.stop();
      return await this.current.exited;
    } catch (error) {
      this.options.onEvent(String(error));
      return { code: undefined };
    } finally {
      this.current = undefined;
    }
  }

  private giveUp(exit: Exit): void {
    this.state = 'failed';
    this.options.onEvent(`${describeExit(exit)}: its configuration is wrong, so it is not started again`);
    this.givenUp();
  }
}
