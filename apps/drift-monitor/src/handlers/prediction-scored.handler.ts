import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import type { ScoredPrediction } from '../domain/counting.js';
import { isFromTheFuture } from '../domain/windows.js';
import { Monitor } from '../store/monitor.js';

/** Counts what the champion saw and said. Answers of fallbacks say nothing about the model, pinned ones nothing about the traffic. */
@Controller()
export class PredictionScoredHandler {
  constructor(private readonly monitor: Monitor) {}

  @Consumes({ topic: 'prediction.scored.v1', maxBatchSize: 1000 })
  async handle(batch: EventBatch<'prediction.scored.v1'>): Promise<void> {
    const predictions = batch.events.flatMap(({ data, message }): ScoredPrediction[] => {
      const eventTimeMs = Date.parse(data.occurredAt);
      if (data.role !== 'champion' || data.fallback !== undefined || isFromTheFuture(eventTimeMs, message.timestampMs)) return [];
      return [{ predictionId: data.predictionId, model: data.model, version: data.version, eventTimeMs, values: data.features.values, score: data.score }];
    });
    await this.monitor.countPredictions(predictions);
  }
}
