import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { Rounds } from '@throughline/http';
import { Tally } from '../tally.js';
import { Points } from './points.js';

const EVERY_MS = 2_000;

/** Keeps how the outcome difference of a rollout develops, while outcomes come in. */
@Injectable()
export class PointRecorder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;

  constructor(@Inject(Tally) private readonly tally: Tally, @Inject(Points) private readonly points: Points, @Inject(LOGGER) private readonly logger: Logger) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(EVERY_MS, () => this.record(), (error) => this.logger.warn({ err: error }, 'points of reports could not be recorded'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async record(): Promise<void> {
    for (const rolloutId of this.tally.takeJudged()) {
      await this.points.record(rolloutId, new Date()).catch((error: unknown) => this.logger.warn({ err: error, rollout: rolloutId }, 'a point of a rollout’s report is lost'));
    }
  }
}
