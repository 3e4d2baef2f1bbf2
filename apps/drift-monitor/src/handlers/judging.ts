import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { BUS, type Bus } from '@throughline/bus';
import { LOGGER, Rounds } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { SERVICE } from '../config.js';
import { isReadUntil, type PartitionEnd, type Stream } from '../domain/windows.js';
import { Judge } from '../store/judge.js';
import type { Progress } from '../store/live-windows.js';
import { countJudged, showAgain, shownQuality } from './monitor-metrics.js';

const LOOK_MS = 1_000;
const TOPIC_OF = { data: 'prediction.scored.v1', quality: 'outcome.joined.v1' } as const;

/** Windows that were due, and where the topic ended then. */
interface Waiting {
  readonly due: readonly Progress[];
  readonly ends: readonly PartitionEnd[];
}

/**
 * Has windows judged once everything that stood in the topic when they were found due has been counted. So a backlog, after an outage or a
 * restart, gives the verdicts that an even flow would have given.
 */
@Injectable()
export class Judging implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly waiting = new Map<Stream, Waiting>();
  private rounds: Rounds | undefined;

  constructor(
    @Inject(BUS) private readonly bus: Bus,
    private readonly judge: Judge,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(LOOK_MS, () => this.lookAtBoth(), (error) => this.logger.warn({ err: error }, 'looking for windows to judge failed'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async lookAtBoth(): Promise<void> {
    for (const stream of ['data', 'quality'] as const) {
      await this.look(stream).catch((error: unknown) => this.logger.warn({ err: error, stream }, 'looking for windows to judge failed'));
    }
    await this.follow();
  }

  /** Corrections reach windows that were judged: what is shown of them follows. */
  private async follow(): Promise<void> {
    const shown = shownQuality();
    if (shown.length === 0) return;
    const amended = await this.judge.amended(shown.map(({ window }) => window));
    for (const window of amended) {
      const judged = shown.find(({ window: { model, version, startMs } }) => model === window.model && version === window.version && startMs === window.startMs);
      if (judged !== undefined) showAgain({ ...judged, window });
    }
  }

  private async look(stream: Stream): Promise<void> {
    const waiting = this.waiting.get(stream);
    const due = waiting?.due ?? (await this.judge.dueOf(stream));
    if (due.length === 0) return;
    const ends = await this.bus.admin.offsets(TOPIC_OF[stream], SERVICE);
    if (!isReadUntil(waiting?.ends ?? ends, ends)) {
      this.waiting.set(stream, waiting ?? { due, ends });
      return;
    }
    for (const progress of due) for (const judged of await this.judge.judgeDue(stream, progress)) countJudged(judged);
    this.waiting.delete(stream);
  }
}
