import type { Names } from '@throughline/bus';
import { counter, METRICS, recordSpan, type Logger } from '@throughline/telemetry';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { Join } from '../domain/joining.js';
import { Allowance } from './domain/allowance.js';
import type { Stretch } from './domain/timeline.js';
import { decideTelling, type Told, type TellingPolicy } from './domain/telling.js';
import type { OpenAlerts } from './open-alerts.js';
import { outcomeSpan, publisherSpan } from './outcome-spans.js';
import type { Kept, TraceStories } from './trace-stories.js';

const traces = counter(METRICS.ledgerTraces);

export interface OutcomeTracesOptions {
  readonly policy: TellingPolicy;
  /** Predictions recorded from their rows. */
  readonly maxPerSecond: number;
  readonly names: Names;
  readonly logger: Logger;
}

/** Outcome-based sampling: what outcomes put into traces, and which predictions they bring along. */
export class OutcomeTraces implements BeforeApplicationShutdown {
  private readonly allowance: Allowance;
  private recording: Promise<void> = Promise.resolve();

  constructor(
    private readonly stories: TraceStories,
    private readonly alerts: OpenAlerts,
    private readonly options: OutcomeTracesOptions,
  ) {
    this.allowance = new Allowance(options.maxPerSecond);
  }

  /** Decides for each join, records what it can at once, and lets the rows of the others follow; never throws, never waits. */
  tell(joins: readonly Join[], took: Stretch): void {
    const kept = joins.flatMap((join) => this.tellOne(join, took) ?? []);
    // One after the other: a burst of batches must not take all of the ledger's connections.
    if (kept.length > 0) this.recording = this.recording.then(() => this.record(kept));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.recording;
  }

  private tellOne(join: Join, took: Stretch): Kept | undefined {
    const { policy, names } = this.options;
    const nowMs = took.endMs;
    const decided = decideTelling(policy, this.toldOf(join), nowMs);
    const isOver = decided.fromRow && !this.allowance.take(nowMs);
    traces.add(1, { result: isOver ? 'over_bound' : decided.result });
    // The outcome of a sampled prediction has its place in any case.
    const stands = isOver && decided.result !== 'expired' ? undefined : decided.outcome;
    if (stands !== undefined) recordSpan(outcomeSpan({ join, stands, took }));
    const atPublisher = publisherSpan(join, stands, took, names);
    if (atPublisher !== undefined) recordSpan(atPublisher);
    if (!decided.fromRow || isOver) return undefined;
    return { place: join.facts, keptBecause: decided.result === 'expired' ? undefined : decided.result, correctedBy: join.correction && stands === 'prediction_trace' ? join.outcome : undefined };
  }

  private toldOf(join: Join): Told {
    const { facts, outcome, correct, error, correction, valueMicroUsd } = join;
    return {
      predictionId: facts.predictionId, isSampled: facts.trace?.sampled === true, requestedAtMs: facts.requestedAtMs, receivedAtMs: outcome.receivedAtMs,
      correct, error, correction, isFallback: facts.fallback !== undefined, valueMicroUsd, costMicroUsd: facts.costMicroUsd, alertedAtMs: this.alerts.lastRaisedAtMs(facts.model),
    };
  }

  /** Spans are best effort: what cannot be read now is counted and left out. */
  private async record(kept: readonly Kept[]): Promise<void> {
    try {
      await this.stories.record(kept);
    } catch (error) {
      traces.add(kept.length, { result: 'failed' });
      this.options.logger.warn({ err: error, predictions: kept.length }, 'predictions could not be recorded in their traces');
    }
  }
}
