import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import type { Word } from '../domain/corrections.js';
import { isFromTheFuture } from '../domain/windows.js';
import { OutcomeWindows } from '../store/outcome-windows.js';
import { countCorrections } from './monitor-metrics.js';

/** Counts what came of the champion's predictions: the last word on each. */
@Controller()
export class OutcomeJoinedHandler {
  constructor(private readonly windows: OutcomeWindows) {}

  @Consumes({ topic: 'outcome.joined.v1', maxBatchSize: 1000 })
  async handle(batch: EventBatch<'outcome.joined.v1'>): Promise<void> {
    const words = batch.events.flatMap(({ data, message }): Word[] => {
      const { model, version, score, outcome, correct, delaySeconds, revision, correction } = data;
      const eventTimeMs = Date.parse(data.outcomeOccurredAt);
      if (isFromTheFuture(eventTimeMs, message.timestampMs)) return [];
      const isCounted = data.role === 'champion' && data.fallback === undefined;
      return [{ predictionId: data.predictionId.toLowerCase(), model, version, eventTimeMs, score, outcome, correct, delaySeconds, revision, correction, isCounted }];
    });
    countCorrections(await this.windows.count(words));
  }
}
