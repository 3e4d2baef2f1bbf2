import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { Tally } from '../tally.js';
import { Points } from './points.js';

const EVERY_MS = 2_000;

/** Keeps how the outcome difference of a rollout develops, while outcomes come in. */
@Injectable()
export class PointRecorder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly stopping = new AbortController();
  private loop: Promise<void> | undefined;

  constructor(@Inject(Tally) private readonly tally: Tally, @Inject(Points) private readonly points: Points, @Inject(LOGGER) private readonly logger: Logger) {}

  onApplicationBootstrap(): void {
    this.loop = this.run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      for (const rolloutId of this.tally.takeJudged()) {
        await this.points.record(rolloutId, new Date()).catch((error: unknown) => this.logger.warn({ err: error, rollout: rolloutId }, 'a point of a rollout’s report is lost'));
      }
      // Rejects when the service stops.
      await setTimeout(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
