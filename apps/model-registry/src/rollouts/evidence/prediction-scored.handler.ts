import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { scoredAnswer } from './counting.js';
import { located } from './located.js';
import { StepIndex } from './step-index.js';
import { Tally } from './tally.js';

/** Counts the answers that were given while a rollout ran, by the version that gave them. */
@Controller()
export class PredictionScoredHandler {
  constructor(@Inject(StepIndex) private readonly index: StepIndex, @Inject(Tally) private readonly tally: Tally) {}

  @Consumes({ topic: 'prediction.scored.v1', maxBatchSize: 1000 })
  async handle({ events }: EventBatch<'prediction.scored.v1'>): Promise<void> {
    const find = await this.index.knowing(events);
    await this.tally.countAnswers(located(events, (data) => scoredAnswer(data, find)));
  }
}
