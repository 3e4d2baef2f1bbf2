import { Inject, Injectable } from '@nestjs/common';
import { ContractError, encodeEvent } from '@throughline/contracts';
import { inTransaction, Outbox, query } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { messageOf } from '../domain/run-messages.js';
import { claim, evolve, isFinished, type Run, type RunEvent } from '../domain/run.js';

const SOURCE = '/throughline/retraining-coordinator';
const NOW_SQL = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms';

/** Decides on a locked run what happens to it; `nowMs` is the database's clock, the same for all instances. */
export type Decision = (run: Run, nowMs: number) => readonly RunEvent[];

/** A run that somebody asks for. */
export interface WantedRun {
  readonly runId: string;
  readonly model: string;
  readonly reason: string;
  readonly alertId?: string | undefined;
  /** Whether the world knows of it already. */
  readonly announced: boolean;
}

/** Runs and their state. Every change is decided on the locked row and published through the outbox, in one transaction. */
@Injectable()
export class Runs {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /**
   * Starts a run, unless this very run exists already.
   *
   * @throws ContractError `conflict` when another run of the model is in flight
   */
  async start(wanted: WantedRun): Promise<Run> {
    return inTransaction(this.dataSource, async (manager) => {
      const existing = await this.locked(manager, wanted.runId);
      if (existing !== undefined) return existing;
      const event: RunEvent = { type: 'requested', ...pick(wanted), atMs: await databaseNowMs(manager) };
      const run = evolve(undefined, event);
      if (!(await insert(manager, run))) {
        const inFlight = await this.inFlight(wanted.model, manager);
        throw new ContractError('conflict', `run ${inFlight?.runId ?? '(just ended)'} of model ${wanted.model} is in flight`, { cure: 'Wait until it has ended.' });
      }
      if (!wanted.announced) await publish(manager, [[run, event]]);
      return run;
    });
  }

  /** Notes a run that was asked for and cannot be: it ends before it begins, and the world is told. Nothing if it exists already. */
  async refuse(wanted: WantedRun, error: ContractError): Promise<void> {
    await inTransaction(this.dataSource, async (manager) => {
      if ((await this.locked(manager, wanted.runId)) !== undefined) return;
      const atMs = await databaseNowMs(manager);
      const finished: RunEvent = { type: 'finished', status: 'rejected', code: error.code, reason: `${error.code}: ${error.message}`, result: {}, atMs };
      const run = evolve(evolve(undefined, { type: 'requested', ...pick(wanted), atMs }), finished);
      if (await insert(manager, run)) await publish(manager, [[run, finished]]);
    });
  }

  /** Takes the oldest run that nobody works on, if there is one. */
  async claimNext(owner: string): Promise<Run | undefined> {
    return inTransaction(this.dataSource, async (manager) => {
      const rows = await query<{ run: Run }>(manager, 'SELECT run FROM retraining_run WHERE finished_at IS NULL ORDER BY requested_at FOR UPDATE SKIP LOCKED');
      const nowMs = await databaseNowMs(manager);
      for (const { run } of rows) {
        const events = claim(run, owner, nowMs);
        if (events.length === 0) continue;
        const claimed = await write(manager, run, events);
        if (!isFinished(claimed)) return claimed;
      }
      return undefined;
    });
  }

  /**
   * Changes a run as `decide` says, and whatever `also` writes with it.
   *
   * @throws ContractError `not_found`, and what `decide` throws
   */
  async change(runId: string, decide: Decision, also?: (manager: EntityManager) => Promise<void>): Promise<Run> {
    return inTransaction(this.dataSource, async (manager) => {
      const run = await this.locked(manager, runId);
      if (run === undefined) throw new ContractError('not_found', `there is no run ${runId}`);
      const changed = await write(manager, run, decide(run, await databaseNowMs(manager)));
      await also?.(manager);
      return changed;
    });
  }

  async get(runId: string): Promise<Run | undefined> {
    const [row] = await query<{ run: Run }>(this.dataSource, 'SELECT run FROM retraining_run WHERE run_id = $1', [runId]);
    return row?.run;
  }

  /** Newest first. */
  async list(filter: { model?: string | undefined; status?: string | undefined; limit: number }): Promise<Run[]> {
    const rows = await query<{ run: Run }>(
      this.dataSource,
      `SELECT run FROM retraining_run WHERE ($1::text IS NULL OR model = $1) AND ($2::text IS NULL OR status = $2) ORDER BY requested_at DESC, run_id LIMIT $3`,
      [filter.model ?? null, filter.status ?? null, filter.limit],
    );
    return rows.map(({ run }) => run);
  }

  async inFlight(model: string, source: Pick<DataSource, 'query'> = this.dataSource): Promise<Run | undefined> {
    const [row] = await query<{ run: Run }>(source, 'SELECT run FROM retraining_run WHERE model = $1 AND finished_at IS NULL', [model]);
    return row?.run;
  }

  /** When the model's last run ended, epoch milliseconds; those that never began do not count. */
  async lastFinishedAtMs(model: string): Promise<number | undefined> {
    const [row] = await query<{ at: Date | null }>(this.dataSource, `SELECT max(finished_at) AS at FROM retraining_run WHERE model = $1 AND run ->> 'startedAtMs' IS NOT NULL`, [model]);
    return row?.at?.getTime();
  }

  private async locked(manager: EntityManager, runId: string): Promise<Run | undefined> {
    const [row] = await query<{ run: Run }>(manager, 'SELECT run FROM retraining_run WHERE run_id = $1 FOR UPDATE', [runId]);
    return row?.run;
  }
}

const pick = ({ runId, model, reason, alertId }: WantedRun) => ({ runId, model, reason, alertId });
const date = (ms: number | undefined): Date | null => (ms === undefined ? null : new Date(ms));

async function databaseNowMs(manager: EntityManager): Promise<number> {
  const [row] = await query<{ now_ms: string }>(manager, NOW_SQL);
  return Number(row!.now_ms);
}

/** False when the run exists already, or another one of the model is in flight. */
async function insert(manager: EntityManager, run: Run): Promise<boolean> {
  const inserted = await query(
    manager,
    `INSERT INTO retraining_run (run_id, model, status, requested_at, finished_at, run) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING run_id`,
    [run.runId, run.model, run.status, date(run.requestedAtMs), date(run.finishedAtMs), JSON.stringify(run)],
  );
  return inserted.length > 0;
}

async function write(manager: EntityManager, before: Run, events: readonly RunEvent[]): Promise<Run> {
  let run = before;
  const told: [Run, RunEvent][] = [];
  for (const event of events) {
    run = evolve(run, event);
    told.push([run, event]);
  }
  await query(manager, 'UPDATE retraining_run SET status = $2, finished_at = $3, run = $4 WHERE run_id = $1', [run.runId, run.status, date(run.finishedAtMs), JSON.stringify(run)]);
  await publish(manager, told);
  return run;
}

async function publish(manager: EntityManager, told: readonly (readonly [Run, RunEvent])[]): Promise<void> {
  const messages = told.flatMap(([run, event]) => messageOf(run, event) ?? []);
  await Outbox.enqueue(manager, messages.map(({ topic, id, atMs, data }) => ({ topic, key: data.model, ...encodeEvent(topic, { id, source: SOURCE, timeMs: atMs, data }) })));
}
