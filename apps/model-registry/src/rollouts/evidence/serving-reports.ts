import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { BUS, type Bus } from '@throughline/bus';
import type { ErrorCode, ServingReported } from '@throughline/contracts';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import type { Warmth } from '../domain/rollout.js';

/** A worker reports every 30 seconds; after three of them it is gone. */
export const SILENT_AFTER_MS = 90_000;
const TRY_AGAIN_MS = 5_000;

/** Why a version is not warm that passes by itself: the registry or memory, not the artifact. */
const PASSES: ReadonlySet<string> = new Set<ErrorCode>(['unavailable', 'overloaded', 'model_not_ready', 'internal']);

interface Heard {
  readonly report: ServingReported;
  readonly atMs: number;
}

/** What workers say that they hold warm. Every registry follows the whole topic: a day at most. */
@Injectable()
export class ServingReports implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly byWorker = new Map<string, Map<string, Heard>>();
  private readonly stopping = new AbortController();
  private isRead = false;

  constructor(@Inject(BUS) private readonly bus: Bus, @Inject(LOGGER) private readonly logger: Logger) {}

  onApplicationBootstrap(): void {
    // In the background: the registry can answer and decide while Kafka is away.
    void this.follow();
  }

  beforeApplicationShutdown(): void {
    this.stopping.abort();
  }

  /**
   * The workers that were heard of within 90 seconds and have not left, by what they hold of a version: `warm` would answer at once under this revision or a later one,
   * `failed` have tried and say why not, all others are `waiting`, also those whose failure passes. While the reports have not been read to their end nobody is taken at their word: it may
   * not be their last.
   */
  warmth(model: string, version: string, revision: number, nowMs: number): Warmth {
    if (!this.isRead) return { waiting: ['(not heard yet)'], warm: [], failed: [], isUnread: true };
    const [waiting, warm, failed]: [string[], string[], { worker: string; code: string; reason: string }[]] = [[], [], []];
    for (const report of this.of(model, nowMs)) {
      const cold = report.cold.find((one) => one.version === version);
      if (report.revision < revision) waiting.push(report.worker);
      else if (report.warm.includes(version)) warm.push(report.worker);
      else if (cold?.code !== undefined && !PASSES.has(cold.code)) failed.push({ worker: report.worker, code: cold.code, reason: cold.reason ?? '' });
      else if (cold !== undefined) waiting.push(report.worker);
    }
    return { waiting, warm, failed };
  }

  /** The last report of each worker that holds something of the model, or is to; by name. */
  of(model: string, nowMs: number): ServingReported[] {
    const heard = this.byWorker.get(model);
    if (heard === undefined) return [];
    forgetSilent(heard, nowMs);
    return [...heard.values()].map(({ report }) => report).sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }

  /** Takes over what a worker said; of two reports of one worker the later counts. */
  hear(report: ServingReported, atMs: number): void {
    const heard = this.byWorker.get(report.model) ?? new Map<string, Heard>();
    this.byWorker.set(report.model, heard);
    forgetSilent(heard, atMs);
    if (report.leaving === true) heard.delete(report.worker);
    else heard.set(report.worker, { report, atMs });
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        // What comes in is news: by which clock it was said says nothing then, and clocks differ.
        const following = await this.bus.follow({ topic: 'serving.reported.v1', onEvent: ({ data, message }) => this.hear(data, this.isRead ? Date.now() : message.timestampMs) });
        await following.caughtUp;
        this.isRead = true;
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.logger.warn({ err: error }, 'what workers report cannot be read; it is tried again, and rollouts wait for it');
      }
      // Rejects when the service stops.
      await setTimeout(TRY_AGAIN_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}

function forgetSilent(heard: Map<string, Heard>, nowMs: number): void {
  for (const [worker, { atMs }] of heard) if (nowMs - atMs > SILENT_AFTER_MS) heard.delete(worker);
}
