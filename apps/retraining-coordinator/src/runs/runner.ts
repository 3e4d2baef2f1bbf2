import { hostname } from 'node:os';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ContractError, toContractError } from '@throughline/contracts';
import { counter, histogram, METRICS, type Logger } from '@throughline/telemetry';
import type { LedgerClient } from '../clients/ledger.js';
import type { RegistryClient } from '../clients/registry.js';
import { isFinished, type Run, type Stage } from '../domain/run.js';
import type { Deployments } from '../handlers/model-deployment.follower.js';
import type { Candidates, StoredCandidate } from '../store/candidates.js';
import type { Policies } from '../store/policies.js';
import type { Runs } from '../store/runs.js';
import { trainInThread } from '../training/trainer.js';
import { Lease } from './lease.js';

/** A run that this process did not start itself, or that had to wait, is found within this time. */
const POLL_INTERVAL_MS = 1_000;
/** Progress of the training is told no more often. */
const PROGRESS_INTERVAL_MS = 1_000;

export interface RunnerParts {
  readonly runs: Runs;
  readonly candidates: Candidates;
  readonly policies: Policies;
  readonly deployments: Deployments;
  readonly ledger: LedgerClient;
  readonly registry: RegistryClient;
  readonly logger: Logger;
}

/** Works off runs, one at a time. Whatever ends this process, the run goes on under another runner when the lease has run out. */
export class Runner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly owner = `${hostname()}-${process.pid}`;
  private readonly stopping = new AbortController();
  private wakeUp: () => void = () => undefined;
  private working: Promise<void> = Promise.resolve();
  private lease: Lease | undefined;

  constructor(private readonly parts: RunnerParts) {}

  onApplicationBootstrap(): void {
    this.working = this.work();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.lease?.stop(new Error('the service stops'));
    this.wakeUp();
    await this.working;
  }

  /** There may be a run to work on. */
  wake(): void {
    this.wakeUp();
  }

  private async work(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const run = await this.parts.runs.claimNext(this.owner).catch((error: Error) => {
        this.parts.logger.warn({ reason: error.message }, 'runs cannot be claimed');
        return undefined;
      });
      if (run === undefined) await this.rest();
      else await this.execute(run);
    }
  }

  private rest(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_INTERVAL_MS);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.stopping.signal.aborted) this.wakeUp();
    });
  }

  private async execute(run: Run): Promise<void> {
    const { logger } = this.parts;
    const lease = new Lease(this.parts.runs, run);
    this.lease = lease;
    const fields = { runId: run.runId, model: run.model, epoch: run.epoch };
    logger.info(fields, 'a run begins');
    try {
      this.report(await this.retrain(run, lease));
    } catch (thrown) {
      if (lease.signal.aborted) return void logger.warn({ ...fields, reason: String(lease.signal.reason) }, 'the run is left to another runner');
      const error = toContractError(thrown);
      logger.warn({ ...fields, code: error.code, reason: error.message, ...(error.code === 'internal' ? { err: thrown } : {}) }, 'the run stumbled');
      await lease.stumble(error).then((left) => this.report(left), (failure: Error) => logger.warn({ ...fields, reason: failure.message }, 'the stumble is not on record'));
    } finally {
      await lease.release();
      this.lease = undefined;
    }
  }

  private async retrain(run: Run, lease: Lease): Promise<Run> {
    const candidate = (await this.parts.candidates.find(run.runId)) ?? (await this.train(run, lease));
    const { metadata, championMetrics, championVersion } = candidate;
    lease.progress('register', 0.9, 'registering the candidate');
    const candidateVersion = await this.parts.registry.register(run.model, candidate, lease.signal);
    const reason = `candidate ${candidateVersion} has AUC ${format(metadata.metrics['auc'])}, champion ${championVersion} ${format(championMetrics['auc'])}, on ${metadata.metrics['rows']} later predictions`;
    const result = { candidateVersion, championVersion, candidateMetrics: metadata.metrics, championMetrics };
    return lease.succeed(reason, result, (manager) => this.parts.candidates.remove(manager, run.runId));
  }

  private async train(run: Run, lease: Lease): Promise<StoredCandidate> {
    const champion = this.parts.deployments.championOf(run.model);
    if (champion === undefined) throw new ContractError('unknown_model', `model ${run.model} has no champion to compare with`);
    const { policy } = await this.parts.policies.of(run.model);
    lease.progress('export', 0.05, 'asking the ledger for predictions and their outcomes');
    const parquet = await this.parts.ledger.export(run.model, policy.windowSeconds, lease.signal);
    const { version: championVersion, signature } = champion;
    const trained = await trainInThread({ runId: run.runId, parquet, championVersion, signature, policy }, throttled((...step) => lease.progress(...step)), lease.signal);
    const candidate = { ...trained, championVersion };
    await lease.write((manager) => this.parts.candidates.save(manager, run.runId, candidate));
    return candidate;
  }

  private report(run: Run): void {
    const { runId, model, status, message: reason, code } = run;
    this.parts.logger.info({ runId, model, status, reason, code }, isFinished(run) ? 'a run has ended' : 'a run will be tried again');
    if (!isFinished(run)) return;
    counter(METRICS.retrainingRuns).add(1, { model, status });
    histogram(METRICS.retrainingSeconds).record((run.finishedAtMs! - run.requestedAtMs) / 1000, { model });
  }
}

const format = (metric: number | undefined): string => metric?.toFixed(4) ?? 'unknown';

/** The first step of a stage always, further ones no more often than worth telling. */
function throttled(tell: (stage: Stage, fraction: number, message: string) => void): typeof tell {
  let lastStage: Stage | undefined;
  let lastMs = -Infinity;
  return (stage, fraction, message) => {
    const nowMs = performance.now();
    if (stage === lastStage && nowMs - lastMs < PROGRESS_INTERVAL_MS) return;
    lastStage = stage;
    lastMs = nowMs;
    tell(stage, fraction, message);
  };
}
