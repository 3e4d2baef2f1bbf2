import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
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

/** `interrupted`: the process that ran it ended; ask anew. */
export const STATUSES = ['queued', 'running', 'done', 'failed', 'cancelled', 'interrupted'] as const;
export type BacktestStatus = (typeof STATUSES)[number];

export interface Backtest {
  readonly backtestId: string;
  readonly status: BacktestStatus;
  readonly request: BacktestRequest;
  readonly progress: { readonly done: number; readonly total: number | null };
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

const COLUMNS = 'id, status, request, rows_total, rows_done, report, code, reason, created_at, started_at, finished_at';
const END = `finished_at = now(), heartbeat_at = NULL`;

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

  /** One that has ended stays as it ended. */
  async cancel(id: string): Promise<Backtest> {
    await query(this.dataSource, `UPDATE backtest SET status = 'cancelled', ${END} WHERE id = $1 AND status IN ('queued', 'running')`, [id]);
    return this.get(id);
  }

  /** The oldest that waits, now running; nobody else gets it. */
  async claim(): Promise<Backtest | undefined> {
    const [rows] = (await query(this.dataSource, `UPDATE backtest SET status = 'running', started_at = now(), heartbeat_at = now()
      WHERE id = (SELECT id FROM backtest WHERE status = 'queued' ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING ${COLUMNS}`)) as unknown as [Row[]];
    return rows[0] === undefined ? undefined : backtestOf(rows[0]);
  }

  /** @returns whether it is still to be run */
  async beat(id: string, progress?: { readonly done: number; readonly total: number }): Promise<boolean> {
    const [rows] = (await query(this.dataSource, `UPDATE backtest SET heartbeat_at = now(), rows_done = coalesce($2, rows_done), rows_total = coalesce($3, rows_total) WHERE id = $1 AND status = 'running' RETURNING id`,
      [id, progress?.done ?? null, progress?.total ?? null])) as unknown as [object[]];
    return rows.length > 0;
  }

  async addChunk(id: string, part: number, bytes: Buffer): Promise<void> {
    await query(this.dataSource, 'INSERT INTO backtest_chunk (backtest_id, part, bytes) VALUES ($1, $2, $3)', [id, part, bytes]);
  }

  async finish(id: string, report: BacktestReport): Promise<void> {
    await query(this.dataSource, `UPDATE backtest SET status = 'done', report = $2, ${END} WHERE id = $1 AND status = 'running'`, [id, JSON.stringify(report)]);
    await query(this.dataSource, `DELETE FROM backtest_chunk WHERE backtest_id IN (SELECT id FROM backtest WHERE status = 'done' ORDER BY finished_at DESC OFFSET ${FILES_KEPT})`);
    await query(this.dataSource, `DELETE FROM backtest WHERE finished_at IS NOT NULL AND id IN (SELECT id FROM backtest ORDER BY created_at DESC OFFSET ${JOBS_KEPT})`);
  }

  /** Ends one that did not come to its end; what there is of its file is removed. */
  async giveUp(id: string, status: 'failed' | 'interrupted', error: { readonly code: string; readonly reason: string }): Promise<void> {
    await query(this.dataSource, `UPDATE backtest SET status = $2, code = $3, reason = $4, ${END} WHERE id = $1 AND status = 'running'`, [id, status, error.code, error.reason]);
    await query(this.dataSource, 'DELETE FROM backtest_chunk WHERE backtest_id = $1', [id]);
  }

  /** Those whose process is gone. */
  async endSilent(): Promise<void> {
    const [rows] = (await query(this.dataSource, `UPDATE backtest SET status = 'interrupted', code = 'unavailable', reason = 'the process that ran it has ended', ${END}
      WHERE status = 'running' AND heartbeat_at < now() - interval '${SILENCE_SECONDS} seconds' RETURNING id`)) as unknown as [{ id: string }[]];
    if (rows.length > 0) await query(this.dataSource, 'DELETE FROM backtest_chunk WHERE backtest_id = ANY($1)', [rows.map(({ id }) => id)]);
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
  backtestId: row.id, status: row.status, request: row.request, progress: { done: Number(row.rows_done), total: row.rows_total === null ? null : Number(row.rows_total) },
  report: row.report, error: row.code === null ? null : { code: row.code, reason: row.reason ?? '' }, createdAt: row.created_at, startedAt: row.started_at, finishedAt: row.finished_at,
});
