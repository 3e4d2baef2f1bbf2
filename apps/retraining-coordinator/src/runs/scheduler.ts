import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import type { Logger } from '@throughline/telemetry';
import { v5 as uuidv5 } from 'uuid';
import type { Deployments } from '../handlers/model-deployment.follower.js';
import type { Policies } from '../store/policies.js';
import type { Runs } from '../store/runs.js';
import type { DueSchedule, Schedules } from '../store/schedules.js';
import type { Runner } from './runner.js';

/** A due time leads to at most one run, whichever instances see it and however often. */
const RUN_NAMESPACE = '6b0c2f52-5c1e-5e0b-9a55-8a0d7a2f4c33';
/** Schedules are of whole minutes. */
const LOOK_INTERVAL_MS = 1_000;

export interface SchedulerParts {
  readonly schedules: Schedules;
  readonly policies: Policies;
  readonly runs: Runs;
  readonly deployments: Deployments;
  readonly runner: Runner;
  readonly logger: Logger;
}

/** Starts the runs that are due. The run is started before the schedule goes on: killed in between, the next look finds the run there already. */
export class Scheduler implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(private readonly parts: SchedulerParts) {}

  onApplicationBootstrap(): void {
    this.schedule(0);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.looking;
  }

  private schedule(afterMs: number): void {
    this.timer = setTimeout(() => {
      this.looking = this.look().finally(() => {
        if (this.timer !== undefined) this.schedule(LOOK_INTERVAL_MS);
      });
    }, afterMs);
  }

  private async look(): Promise<void> {
    const due = await this.parts.schedules.due().catch((error: Error) => {
      this.parts.logger.warn({ reason: error.message }, 'schedules cannot be looked at');
      return [];
    });
    for (const one of due) await this.fire(one);
  }

  private async fire(due: DueSchedule): Promise<void> {
    const { model, dueAtMs } = due;
    const dueAt = new Date(dueAtMs).toISOString();
    try {
      const because = await this.start(model, dueAt);
      await this.parts.schedules.advance(due);
      this.parts.logger.info({ model, dueAt, because }, because === undefined ? 'a scheduled run begins' : 'a schedule starts no run');
    } catch (error) {
      this.parts.logger.warn({ model, dueAt, reason: (error as Error).message }, 'a scheduled run cannot be started yet');
    }
  }

  /** @returns why not, if not */
  private async start(model: string, dueAt: string): Promise<string | undefined> {
    const { policies, deployments, runs, runner } = this.parts;
    if (!(await policies.of(model)).policy.enabled) return 'the policy is disabled';
    if (deployments.championOf(model) === undefined) return 'the model has no champion';
    try {
      await runs.start({ runId: uuidv5(`${model}/${dueAt}`, RUN_NAMESPACE), model, reason: `scheduled for ${dueAt}`, announced: false });
      runner.wake();
      return undefined;
    } catch (error) {
      if (error instanceof ContractError && error.code === 'conflict') return error.message;
      throw error;
    }
  }
}
