import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { rejectedAnswer } from './counting.js';
import { located } from './located.js';
import { StepIndex } from './step-index.js';
import { Tally } from './tally.js';

/** Counts the answers “no” that a version on trial, or its champion, is to blame for. */
@Controller()
export class PredictionRejectedHandler {
  constructor(@Inject(StepIndex) private readonly index: StepIndex, @Inject(Tally) private readonly tally: Tally) {}

  @Consumes({ topic: 'prediction.rejected.v1', maxBatchSize: 1000 })
  async handle({ events }: EventBatch<'prediction.rejected.v1'>): Promise<void> {
    const find = await this.index.knowing(events);
    await this.tally.countAnswers(located(events, (data) => rejectedAnswer(data, find)));
  }
}
