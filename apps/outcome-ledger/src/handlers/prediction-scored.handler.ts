import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { recordOfScored } from '../domain/prediction.js';
import { MAX_BATCH_SIZE, PredictionIntake } from './prediction-intake.js';

@Controller()
export class PredictionScoredHandler {
  constructor(private readonly intake: PredictionIntake) {}

  @Consumes({ topic: 'prediction.scored.v1', maxBatchSize: MAX_BATCH_SIZE, unhandled: 'tell' })
  async handle(batch: EventBatch<'prediction.scored.v1'>): Promise<void> {
    await this.intake.record(batch, recordOfScored);
  }
}
