import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { shadowedAnswer } from './counting.js';
import { located } from './located.js';
import { StepIndex } from './step-index.js';
import { Tally } from './tally.js';

/** Counts what a candidate on trial would have answered, beside what was. */
@Controller()
export class PredictionShadowedHandler {
  constructor(@Inject(StepIndex) private readonly index: StepIndex, @Inject(Tally) private readonly tally: Tally) {}

  @Consumes({ topic: 'prediction.shadowed.v1', maxBatchSize: 1000 })
  async handle({ events }: EventBatch<'prediction.shadowed.v1'>): Promise<void> {
    const find = await this.index.knowing(events);
    await this.tally.countAnswers(located(events, (data) => shadowedAnswer(data, find)));
  }
}
