import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';

export type RebuildStatus = 'running' | 'finished' | 'cancelled';

/** A period of a model whose joins are told again, or were. */
export interface Rebuild {
  readonly rebuildId: string;
  readonly model: string;
  /** Event time of the predictions, from (inclusive) and to (exclusive). */
  readonly from: Date;
  readonly to: Date;
  readonly status: RebuildStatus;
  /** Why somebody wanted it; null where nobody said. */
  readonly reason: string | null;
  /** Answered predictions in the period when it began. */
  readonly total: number;
  /** Of these, those that were looked at. */
  readonly seen: number;
  /** Told as before, under the same ids. */
  readonly unchanged: number;
  /** Judged otherwise by the declaration of today, and told as corrections. */
  readonly corrected: number;
  /** Not told: nothing that was said of them counts under the declaration of today. */
  readonly unjudged: number;
  readonly requestedAt: Date;
  readonly endedAt: Date | null;
}

const COLUMNS = `rebuild_id AS "rebuildId", model, period_from AS "from", period_to AS "to", status, reason, total::float8 AS total, seen::float8 AS seen, unchanged::float8 AS unchanged,
  corrected::float8 AS corrected, unjudged::float8 AS unjudged, requested_at AS "requestedAt", ended_at AS "endedAt"`;

const TOTAL_SQL = `SELECT count(*) FROM prediction WHERE model = $2 AND occurred_at >= $3 AND occurred_at < $4 AND state <> 'rejected'`;
const MAX_LISTED = 100;

/** The periods that were asked to be told again. Who works on them keeps its place here (rebuilder.ts). */
@Injectable()
export class RebuildStore {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** @throws ContractError `conflict` while another one of the model runs */
  async start({ rebuildId, model, from, to, reason }: { rebuildId: string; model: string; from: string; to: string; reason: string | undefined }): Promise<Rebuild> {
    const rows = await query(this.dataSource,
      `INSERT INTO rebuild (rebuild_id, model, period_from, period_to, position_at, reason, total) SELECT $1, $2, $3, $4, $3, $5, (${TOTAL_SQL}) ON CONFLICT (model) WHERE status = 'running' DO NOTHING RETURNING rebuild_id`,
      [rebuildId, model, from, to, reason ?? null]);
    if (rows.length > 0) return this.get(rebuildId);
    const [running] = await this.list(model);
    throw new ContractError('conflict', `rebuild ${running?.rebuildId ?? ''} of ${model} is running`, { cure: 'Wait for its end, or cancel it: POST /ledger/v1/rebuilds/{rebuildId}/cancel.' });
  }

  /** @throws ContractError `not_found` */
  async get(rebuildId: string): Promise<Rebuild> {
    const [row] = await query<Rebuild>(this.dataSource, `SELECT ${COLUMNS} FROM rebuild WHERE rebuild_id = $1`, [rebuildId]);
    if (row === undefined) throw new ContractError('not_found', `there is no rebuild ${rebuildId}`);
    return row;
  }

  /** The last hundred, newest first. */
  async list(model: string | undefined): Promise<Rebuild[]> {
    return query<Rebuild>(this.dataSource, `SELECT ${COLUMNS} FROM rebuild WHERE $1::text IS NULL OR model = $1 ORDER BY requested_at DESC LIMIT ${MAX_LISTED}`, [model ?? null]);
  }

  /** What was told stays told. Without effect on one that has ended. @throws ContractError `not_found` */
  async cancel(rebuildId: string): Promise<Rebuild> {
    await query(this.dataSource, `UPDATE rebuild SET status = 'cancelled', ended_at = now() WHERE rebuild_id = $1 AND status = 'running'`, [rebuildId]);
    return this.get(rebuildId);
  }
}
