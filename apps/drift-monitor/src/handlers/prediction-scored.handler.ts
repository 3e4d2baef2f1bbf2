import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import type { Event } from '@throughline/contracts';
import type { ScoredPrediction } from '../domain/counting.js';
import { isFromTheFuture } from '../domain/windows.js';
import { Monitor } from '../store/monitor.js';

/** Counts what the champion saw and said, and how everybody was served. */
@Controller()
export class PredictionScoredHandler {
  constructor(private readonly monitor: Monitor) {}

  @Consumes({ topic: 'prediction.scored.v1', maxBatchSize: 1000 })
  async handle(batch: EventBatch<'prediction.scored.v1'>): Promise<void> {
    await this.monitor.countPredictions(batch.events.flatMap((event) => toPrediction(event) ?? []));
  }
}

function toPrediction({ data, message }: Event<'prediction.scored.v1'>): ScoredPrediction | undefined {
  const { predictionId, model, version, role, lane, score, fallback, features, timingsMs } = data;
  const eventTimeMs = Date.parse(data.occurredAt);
  // Pinned ones are no traffic, and may be of any time.
  if (role === 'pinned' || isFromTheFuture(eventTimeMs, message.timestampMs)) return undefined;
  // The worker cannot know when the brokers had it.
  const publish = Math.max(0, message.timestampMs - Date.parse(data.scoredAt));
  return {
    predictionId, model, version, eventTimeMs, role, lane, score, values: features.values, fallback: fallback?.kind, stagesMs: { ...timingsMs, publish },
    totalMs: timingsMs.total === undefined ? undefined : timingsMs.total + publish,
  };
}
