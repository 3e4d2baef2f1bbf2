import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { ContractError, type AlertRaised } from '@throughline/contracts';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { v5 as uuidv5 } from 'uuid';
import { decideOnAlert } from '../domain/policy.js';
import { Runner } from '../runs/runner.js';
import { Policies } from '../store/policies.js';
import { Runs } from '../store/runs.js';
import { Deployments } from './model-deployment.follower.js';

/** An alert leads to at most one run, however often it is told. */
const RUN_NAMESPACE = '0d0c7f0e-5a55-5b9a-8f0c-5b0f3f1c7a21';

@Controller()
export class AlertRaisedHandler {
  constructor(
    private readonly runs: Runs,
    private readonly policies: Policies,
    private readonly deployments: Deployments,
    private readonly runner: Runner,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Consumes({ topic: 'alert.raised.v1' })
  async handle(batch: EventBatch<'alert.raised.v1'>): Promise<void> {
    for (const { data } of batch.events) await this.consider(data);
  }

  private async consider(alert: AlertRaised): Promise<void> {
    const { alertId, model } = alert;
    const runId = uuidv5(alertId, RUN_NAMESPACE);
    if ((await this.runs.get(runId)) !== undefined) return;
    const [{ policy }, inFlight, lastFinishedAtMs] = await Promise.all([this.policies.of(model), this.runs.inFlight(model), this.runs.lastFinishedAtMs(model)]);
    const championVersion = this.deployments.championOf(model)?.version;
    const decision = decideOnAlert(alert, { policy, championVersion, inFlightRunId: inFlight?.runId, lastFinishedAtMs, nowMs: Date.now() });
    if (!decision.start) return void this.logger.info({ alertId, model, because: decision.because }, 'an alert starts no run');
    try {
      await this.runs.start({ runId, model, reason: decision.reason, alertId, announced: false });
      this.runner.wake();
    } catch (error) {
      // Somebody started one by hand in between; that one answers the alert.
      if (!(error instanceof ContractError && error.code === 'conflict')) throw error;
    }
  }
}
