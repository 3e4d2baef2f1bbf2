import { Controller } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { ContractError } from '@throughline/contracts';
import { Runner } from '../runs/runner.js';
import { Runs } from '../store/runs.js';

/** Runs that operators ask for over Kafka. Our own announcements come by here too, and are known already. */
@Controller()
export class RetrainingRequestedHandler {
  constructor(
    private readonly runs: Runs,
    private readonly runner: Runner,
  ) {}

  @Consumes({ topic: 'retraining.requested.v1' })
  async handle(batch: EventBatch<'retraining.requested.v1'>): Promise<void> {
    for (const { data: { runId, model, reason, alertId } } of batch.events) {
      const wanted = { runId, model, reason, alertId, announced: true };
      try {
        await this.runs.start(wanted);
        this.runner.wake();
      } catch (error) {
        if (!(error instanceof ContractError && error.code === 'conflict')) throw error;
        await this.runs.refuse(wanted, error);
      }
    }
  }
}
