import type { ContractError } from '@throughline/contracts';
import type { EntityManager } from 'typeorm';
import { LEASE_MS, progress, renew, stumble, succeed, type Run, type RunResult, type Stage } from '../domain/run.js';
import type { Runs } from '../store/runs.js';

/** A runner's hold on a run: renews it, writes under its epoch only, and says through `signal` when it is lost. */
export class Lease {
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly runs: Runs,
    private readonly run: Run,
  ) {
    this.timer = setInterval(() => void this.attempt(() => this.runs.change(run.runId, (held, nowMs) => renew(held, run.epoch, nowMs))), LEASE_MS / 3);
  }

  /** Aborted when another runner has the run, or the service stops. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Tells the world; in the background, in order. Progress that cannot be written is no reason to stop. */
  progress(stage: Stage, fraction: number, message: string): void {
    void this.attempt(() => this.runs.change(this.run.runId, (held, nowMs) => progress(held, this.run.epoch, { stage, fraction, message }, nowMs)));
  }

  /** Writes under the epoch, after all progress. @throws ContractError `conflict` when the run is lost */
  async write(also: (manager: EntityManager) => Promise<void>): Promise<void> {
    await this.writing;
    await this.runs.change(this.run.runId, (held, nowMs) => renew(held, this.run.epoch, nowMs), also);
  }

  async succeed(reason: string, result: RunResult, also: (manager: EntityManager) => Promise<void>): Promise<Run> {
    await this.writing;
    return this.runs.change(this.run.runId, (held, nowMs) => succeed(held, this.run.epoch, reason, result, nowMs), also);
  }

  async stumble(error: ContractError): Promise<Run> {
    await this.writing;
    return this.runs.change(this.run.runId, (held, nowMs) => stumble(held, this.run.epoch, error, nowMs));
  }

  /** Ends the work; the run stays for whoever claims it next. */
  stop(reason: unknown): void {
    this.abort.abort(reason);
  }

  /** Call at the end, however it came. */
  async release(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
  }

  private attempt(write: () => Promise<unknown>): Promise<void> {
    const attempt = this.writing.then(write).then(
      () => undefined,
      (error: ContractError) => {
        if (error.code === 'conflict') this.abort.abort(error);
      },
    );
    this.writing = attempt;
    return attempt;
  }
}
