import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { inTransaction, query } from '@throughline/db';
import { DataSource } from 'typeorm';
import type { CandidateSpec } from './candidates.js';
import type { BacktestReport } from './domain/tally.js';

export interface BacktestRequest {
  readonly model: string;
  /** Event time, from (inclusive) and to (exclusive), RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly candidate: CandidateSpec;
  /** Instead of the candidate's own. */
  readonly threshold?: number | undefined;
  readonly limit: number;
}

/** `interrupted`: process after process that ran it was lost, so that it is not begun again. */
export const STATUSES = ['queued', 'running', 'done', 'failed', 'cancelled', 'interrupted'] as const;
export type BacktestStatus = (typeof STATUSES)[number];

export interface Backtest {
  readonly backtestId: string;
  readonly status: BacktestStatus;
  readonly request: BacktestRequest;
  readonly progress: { readonly done: number; readonly total: number | null };
  /** How often it was begun: more than once where a ledger that ran it was stopped, or lost. */
  readonly attempts: number;
  readonly report: BacktestReport | null;
  readonly error: { readonly code: string; readonly reason: string } | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

interface Row {
  readonly id: string;
  readonly status: BacktestStatus;
  readonly request: BacktestRequest;
  readonly rows_total: string | null;
  readonly rows_done: string;
  readonly attempts: number;
  readonly report: BacktestReport | null;
  readonly code: string | null;
  readonly reason: string | null;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
}

const MAX_QUEUED = 20;
/** Files of older ones are removed; their reports stay for longer. */
const FILES_KEPT = 20;
const JOBS_KEPT = 1_000;
const SILENCE_SECONDS = 20;
/** One that takes its process with it takes no more than so many. */
const MAX_LOSSES = 3;

const COLUMNS = 'id, status, request, rows_total, rows_done, attempts, report, code, reason, created_at, started_at, finished_at';
const END = `finished_at = now(), heartbeat_at = NULL`;
/** Whoever was given it last; one who was taken for lost has no say in it any more. */
const MINE = `id = $1 AND attempts = $2 AND status = 'running'`;

/** What a process runs: the job, as it was begun for the so manieth time. */
export type Attempt = Pick<Backtest, 'backtestId' | 'attempts'>;

/** The jobs, wherever they run. */
@Injectable()
export class Backtests {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** @throws ContractError `overloaded` when too many wait already */
  async add(id: string, request: BacktestRequest): Promise<Backtest> {
    const [row] = await query<Row>(this.dataSource, `INSERT INTO backtest (id, model, request, status) SELECT $1, $2, $3, 'queued'
      WHERE (SELECT count(*) FROM backtest WHERE status = 'queued') < ${MAX_QUEUED} RETURNING ${COLUMNS}`, [id, request.model, JSON.stringify(request)]);
    if (row === undefined) throw new ContractError('overloaded', `${MAX_QUEUED} backtests wait already`, { cure: 'Wait for one to end, or cancel one.' });
    return backtestOf(row);
  }

  /** @throws ContractError `not_found` */
  async get(id: string): Promise<Backtest> {
    const [row] = await query<Row>(this.dataSource, `SELECT ${COLUMNS} FROM backtest WHERE id = $1`, [id]);
    if (row === undefined) throw new ContractError('not_found', `there is no backtest ${id}`);
    return backtestOf(row);
  }

  /** Newest first, without their reports. */
  async list(model: string | undefined, limit: number): Promise<Backtest[]> {
    const rows = await query<Row>(this.dataSource, `SELECT ${COLUMNS.replace('report', 'NULL AS report')} FROM backtest WHERE ($1::text IS NULL OR model = $1) ORDER BY created_at DESC LIMIT $2`, [model ?? null, limit]);
    return rows.map(backtestOf);
  }

  /** One that has ended stays as it ended. Who runs it may be gone, so what there is of its file is removed here. */
  async cancel(id: string): Promise<Backtest> {
    await query(this.dataSource, `UPDATE backtest SET status = 'cancelled', ${END} WHERE id = $1 AND status IN ('queued', 'running')`, [id]);
    await query(this.dataSource, `DELETE FROM backtest_chunk WHERE backtest_id = (SELECT id FROM backtest WHERE id = $1 AND status = 'cancelled')`, [id]);
    return this.get(id);
  }

  /** The oldest that waits, now running, from its beginning; nobody else gets it. What an attempt before has left of its file is gone. */
  async claim(): Promise<Backtest | undefined> {
    return inTransaction(this.dataSource, async (manager) => {
      const [rows]: [Row[], number] = await manager.query(`UPDATE backtest SET status = 'running', started_at = now(), heartbeat_at = now(), attempts = attempts + 1, rows_done = 0
        WHERE id = (SELECT id FROM backtest WHERE status = 'queued' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING ${COLUMNS}`);
      if (rows[0] === undefined) return undefined;
      await manager.query('DELETE FROM backtest_chunk WHERE backtest_id = $1', [rows[0].id]);
      return backtestOf(rows[0]);
    });
  }

  /** @returns whether it is still to be run */
  async beat({ backtestId, attempts }: Attempt, progress?: { readonly done: number; readonly total: number }): Promise<boolean> {
    const [rows] = (await query(this.dataSource, `UPDATE backtest SET heartbeat_at = now(), rows_done = coalesce($3, rows_done), rows_total = coalesce($4, rows_total) WHERE ${MINE} RETURNING id`,
      [backtestId, attempts, progress?.done ?? null, progress?.total ?? null])) as unknown as [object[]];
    return rows.length > 0;
  }

  /** The lock lets nobody begin anew between the look at the job and the piece of its file. @returns whether it is still to be run */
  async addChunk({ backtestId, attempts }: Attempt, part: number, bytes: Buffer): Promise<boolean> {
    const rows = await query(this.dataSource, `INSERT INTO backtest_chunk (backtest_id, part, bytes) SELECT id, $3, $4 FROM backtest WHERE ${MINE} FOR SHARE RETURNING part`, [backtestId, attempts, part, bytes]);
    return rows.length > 0;
  }

  async finish({ backtestId, attempts }: Attempt, report: BacktestReport): Promise<void> {
    await query(this.dataSource, `UPDATE backtest SET status = 'done', report = $3, ${END} WHERE ${MINE}`, [backtestId, attempts, JSON.stringify(report)]);
    await query(this.dataSource, `DELETE FROM backtest_chunk WHERE backtest_id IN (SELECT id FROM backtest WHERE status = 'done' ORDER BY finished_at DESC OFFSET ${FILES_KEPT})`);
    await query(this.dataSource, `DELETE FROM backtest WHERE finished_at IS NOT NULL AND id IN (SELECT id FROM backtest ORDER BY created_at DESC OFFSET ${JOBS_KEPT})`);
  }

  /** Ends one that did not come to its end; what there is of its file is removed. */
  async fail({ backtestId, attempts }: Attempt, error: { readonly code: string; readonly reason: string }): Promise<void> {
    await query(this.dataSource, `UPDATE backtest SET status = 'failed', code = $3, reason = $4, ${END} WHERE ${MINE}`, [backtestId, attempts, error.code, error.reason]);
    await query(this.dataSource, `DELETE FROM backtest_chunk WHERE backtest_id = (SELECT id FROM backtest WHERE id = $1 AND attempts = $2)`, [backtestId, attempts]);
  }

  /** This process is to end: another one, or the next, begins it anew. */
  async putBack({ backtestId, attempts }: Attempt): Promise<void> {
    await query(this.dataSource, `UPDATE backtest SET status = 'queued', heartbeat_at = NULL WHERE ${MINE}`, [backtestId, attempts]);
  }

  /** Those whose process is gone wait again; one that has lost process after process does not. */
  async takeUpSilent(): Promise<void> {
    const [rows] = (await query(this.dataSource, `WITH lost AS (
        SELECT id FROM backtest WHERE status = 'running' AND heartbeat_at < now() - interval '${SILENCE_SECONDS} seconds' ORDER BY id FOR UPDATE SKIP LOCKED)
      UPDATE backtest b SET losses = losses + 1, heartbeat_at = NULL, status = CASE WHEN losses + 1 < ${MAX_LOSSES} THEN 'queued' ELSE 'interrupted' END,
        code = CASE WHEN losses + 1 < ${MAX_LOSSES} THEN NULL ELSE 'unavailable' END, reason = CASE WHEN losses + 1 < ${MAX_LOSSES} THEN NULL ELSE 'the processes that ran it have ended without a word, ${MAX_LOSSES} times' END,
        finished_at = CASE WHEN losses + 1 < ${MAX_LOSSES} THEN NULL ELSE now() END
      FROM lost WHERE b.id = lost.id RETURNING b.id, b.status`)) as unknown as [{ id: string; status: BacktestStatus }[]];
    const over = rows.filter(({ status }) => status === 'interrupted').map(({ id }) => id);
    if (over.length > 0) await query(this.dataSource, 'DELETE FROM backtest_chunk WHERE backtest_id = ANY($1)', [over]);
  }

  /** The file of one that is done, piece by piece. @throws ContractError `not_found`, `conflict` while it is not done */
  async file(id: string): Promise<AsyncGenerator<Buffer>> {
    const { status } = await this.get(id);
    if (status !== 'done') throw new ContractError('conflict', `backtest ${id} is ${status}: only one that is done has rows`, { cure: 'Wait until it is done; its status says so.' });
    const [first] = await this.chunk(id, 0);
    if (first === undefined) throw new ContractError('not_found', `the rows of backtest ${id} are kept no longer: only those of the last ${FILES_KEPT} are`);
    return this.chunks(id);
  }

  private async *chunks(id: string): AsyncGenerator<Buffer> {
    for (let part = 0; ; part++) {
      const [chunk] = await this.chunk(id, part);
      if (chunk === undefined) return;
      yield chunk.bytes;
    }
  }

  private chunk(id: string, part: number): Promise<{ bytes: Buffer }[]> {
    return query<{ bytes: Buffer }>(this.dataSource, 'SELECT bytes FROM backtest_chunk WHERE backtest_id = $1 AND part = $2', [id, part]);
  }
}

const backtestOf = (row: Row): Backtest => ({
  backtestId: row.id, status: row.status, request: row.request, progress: { done: Number(row.rows_done), total: row.rows_total === null ? null : Number(row.rows_total) }, attempts: row.attempts,
  report: row.report, error: row.code === null ? null : { code: row.code, reason: row.reason ?? '' }, createdAt: row.created_at, startedAt: row.started_at, finishedAt: row.finished_at,
});
