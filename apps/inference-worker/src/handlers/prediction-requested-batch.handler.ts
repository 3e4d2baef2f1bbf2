import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { LANES } from './lanes.js';
import { TopicScoring } from './topic-scoring.js';

/** The lane that yields. */
@Controller()
export class PredictionRequestedBatchHandler {
  constructor(private readonly scoring: TopicScoring) {}

  @Consumes({ topic: 'prediction.requested.batch.v1', ...LANES['prediction.requested.batch.v1'].intake })
  handle(batch: EventBatch<'prediction.requested.batch.v1'>): Promise<void> {
    return this.scoring.answer(batch);
  }
}
