import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { TopicScoring } from './topic-scoring.js';

/** The lane that yields: smaller batches and fewer of them, so that the others never wait long. */
@Controller()
export class PredictionRequestedBatchHandler {
  constructor(private readonly scoring: TopicScoring) {}

  @Consumes({ topic: 'prediction.requested.batch.v1', maxBatchSize: 128, maxInFlightBatches: 2, undecodable: 'handle' })
  handle(batch: EventBatch<'prediction.requested.batch.v1'>): Promise<void> {
    return this.scoring.answer(batch);
  }
}
