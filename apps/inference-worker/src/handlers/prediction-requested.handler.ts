import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { TopicScoring } from './topic-scoring.js';

/** The near-real-time lane. */
@Controller()
export class PredictionRequestedHandler {
  constructor(private readonly scoring: TopicScoring) {}

  /** Several batches at once keep the processor busy while the brokers acknowledge. */
  @Consumes({ topic: 'prediction.requested.v1', maxBatchSize: 256, maxInFlightBatches: 6, undecodable: 'handle' })
  handle(batch: EventBatch<'prediction.requested.v1'>): Promise<void> {
    return this.scoring.answer(batch);
  }
}
