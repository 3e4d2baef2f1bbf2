import { setTimeout as wait } from 'node:timers/promises';
import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ContractError, toContractError } from '@throughline/contracts';
import { LOGGER, Rounds } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { parquetStream } from '../http/parquet-stream.js';
import { Declarations } from '../outcomes/store/declarations.js';
import { ServedVersions } from '../store/served-versions.js';
import { BacktestRun } from './backtest-run.js';
import { Backtests, type Backtest } from './backtests.js';
import { Candidates } from './candidates.js';
import { BACKTEST_COLUMNS } from './domain/columns.js';
import type { ScoringLimits } from './scoring/scoring-child.js';

export const SCORING_LIMITS = Symbol('scoring-limits');

const LOOK_MS = 1_000;
const BEAT_MS = 5_000;
/** A download that hangs holds nobody up. */
const STOP_PATIENCE_MS = 3_000;

/** Somebody does not want it any more; not a failure. */
class Unwanted extends Error {}

/** Runs backtests, one at a time a process. */
@Injectable()
export class BacktestRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;
  private running: BacktestRun | undefined;
  private claimed: Backtest | undefined;

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Backtests) private readonly backtests: Backtests,
    @Inject(Candidates) private readonly candidates: Candidates,
    @Inject(ServedVersions) private readonly dictionary: ServedVersions,
    @Inject(Declarations) private readonly declarations: Declarations,
    @Inject(SCORING_LIMITS) private readonly limits: ScoringLimits,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(LOOK_MS, (stopping) => this.round(stopping), (error) => this.logger.warn({ err: error }, 'looking for backtests failed'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    const stopped = this.rounds?.stop();
    this.running?.close();
    // First of all, whatever it is waiting for: from then on nothing that it still writes counts.
    if (this.claimed !== undefined) await this.backtests.putBack(this.claimed).catch(() => undefined);
    await Promise.race([stopped, wait(STOP_PATIENCE_MS, undefined, { ref: false })]);
  }

  private async round(stopping: AbortSignal): Promise<void> {
    await this.backtests.takeUpSilent();
    const backtest = stopping.aborted ? undefined : await this.backtests.claim();
    if (backtest === undefined) return;
    this.claimed = backtest;
    const beats = new Rounds(BEAT_MS, async () => void (await this.backtests.beat(backtest)), () => undefined);
    try {
      await this.run(backtest, stopping);
    } catch (thrown) {
      await this.end(backtest, thrown, stopping);
    } finally {
      await beats.stop();
      this.running?.close();
      this.running = undefined;
      this.claimed = undefined;
    }
  }

  private async run(backtest: Backtest, stopping: AbortSignal): Promise<void> {
    const { model, from, to, threshold, limit, candidate: spec } = backtest.request;
    const { dataSource, dictionary, declarations, candidates, limits } = this;
    const candidate = await candidates.find(model, spec);
    const run = await BacktestRun.open({ dataSource, dictionary, declarations, candidates, limits }, { model, from, to, candidate, threshold, limit });
    this.running = run;
    const onPage = async (done: number): Promise<void> => {
      if (stopping.aborted || !(await this.backtests.beat(backtest, { done, total: run.total }))) throw new Unwanted();
    };
    await onPage(0);
    let part = 0;
    for await (const bytes of parquetStream(BACKTEST_COLUMNS, run.rows(onPage))) {
      if (!(await this.backtests.addChunk(backtest, part++, bytes as Buffer))) throw new Unwanted();
    }
    await this.backtests.finish(backtest, run.report());
  }

  private async end(backtest: Backtest, thrown: unknown, stopping: AbortSignal): Promise<void> {
    if (stopping.aborted) return this.backtests.putBack(backtest);
    const { code, message } = toContractError(thrown);
    if (!(thrown instanceof Unwanted)) this.logger.warn({ backtestId: backtest.backtestId, code, err: thrown }, 'a backtest failed');
    // What is not on the list of errors may quote values.
    await this.backtests.fail(backtest, { code, reason: thrown instanceof ContractError ? message : 'unexpected failure; the log has the reason' });
  }
}
