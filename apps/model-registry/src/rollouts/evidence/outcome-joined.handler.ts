import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { joinedWord } from './counting.js';
import { located } from './located.js';
import { StepIndex } from './step-index.js';
import { Tally } from './tally.js';
import { matters } from './words.js';

/** Counts how right the versions of a rollout were, for as long as outcomes come, also after its end. */
@Controller()
export class OutcomeJoinedHandler {
  constructor(@Inject(StepIndex) private readonly index: StepIndex, @Inject(Tally) private readonly tally: Tally) {}

  @Consumes({ topic: 'outcome.joined.v1', maxBatchSize: 1000 })
  async handle({ events }: EventBatch<'outcome.joined.v1'>): Promise<void> {
    const find = await this.index.knowing(events);
    await this.tally.countOutcomes(located(events, (data) => {
      const word = joinedWord(data, find);
      return this.index.hasRollouts(data.model) && matters(word) ? word : undefined;
    }));
  }
}
