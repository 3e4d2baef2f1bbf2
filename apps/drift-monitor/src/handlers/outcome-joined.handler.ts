import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import type { JoinedPrediction } from '../domain/counting.js';
import { isFromTheFuture } from '../domain/windows.js';
import { Monitor } from '../store/monitor.js';

/** Counts what came of the champion's predictions. A correction of an outcome that was counted already is left to the ledger. */
@Controller()
export class OutcomeJoinedHandler {
  constructor(private readonly monitor: Monitor) {}

  @Consumes({ topic: 'outcome.joined.v1', maxBatchSize: 1000 })
  async handle(batch: EventBatch<'outcome.joined.v1'>): Promise<void> {
    const outcomes = batch.events.flatMap(({ data, message }): JoinedPrediction[] => {
      const { predictionId, model, version, score, outcome, correct, delaySeconds } = data;
      const eventTimeMs = Date.parse(data.outcomeOccurredAt);
      if (data.role !== 'champion' || data.fallback !== undefined || data.correction || isFromTheFuture(eventTimeMs, message.timestampMs)) return [];
      return [{ predictionId, model, version, eventTimeMs, score, outcome, correct, delaySeconds }];
    });
    await this.monitor.countOutcomes(outcomes);
  }
}
