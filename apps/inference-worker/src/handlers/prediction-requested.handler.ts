import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { LANES } from './lanes.js';
import { TopicScoring } from './topic-scoring.js';

/** The near-real-time lane. */
@Controller()
export class PredictionRequestedHandler {
  constructor(private readonly scoring: TopicScoring) {}

  @Consumes({ topic: 'prediction.requested.v1', ...LANES['prediction.requested.v1'].intake })
  handle(batch: EventBatch<'prediction.requested.v1'>): Promise<void> {
    return this.scoring.answer(batch);
  }
}
