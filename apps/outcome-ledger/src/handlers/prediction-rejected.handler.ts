import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { recordOfRejected } from '../domain/prediction.js';
import { MAX_BATCH_SIZE, PredictionIntake } from './prediction-intake.js';

@Controller()
export class PredictionRejectedHandler {
  constructor(private readonly intake: PredictionIntake) {}

  @Consumes({ topic: 'prediction.rejected.v1', maxBatchSize: MAX_BATCH_SIZE, unhandled: 'tell' })
  async handle(batch: EventBatch<'prediction.rejected.v1'>): Promise<void> {
    await this.intake.record(batch, recordOfRejected);
  }
}
