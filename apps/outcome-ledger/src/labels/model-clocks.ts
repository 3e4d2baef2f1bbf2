import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { eventNowMs } from '../outcomes/domain/event-clock.js';

/** What a model says of time. */
export interface ModelClock {
  readonly model: string;
  /** Its own present, event time, epoch milliseconds. */
  readonly nowMs: number;
  /** After how long an outcome is no longer expected; `undefined` where its deployment declares none. */
  readonly maturitySeconds: number | undefined;
}

/** One index probe a partition and model. */
const CLOCK_SQL = `SELECT m.model, n.occurred_at, n.requested_at, (d.declaration->>'maturitySeconds')::float8 AS maturity_seconds
  FROM (SELECT DISTINCT model FROM tally WHERE model <> '' AND measure IN ('scored', 'fallback') AND ($1::text IS NULL OR model = $1)) m
  CROSS JOIN LATERAL (
    SELECT p.occurred_at, p.requested_at FROM prediction p WHERE p.model = m.model AND p.state <> 'rejected' ORDER BY p.occurred_at DESC LIMIT 1) n
  LEFT JOIN outcome_declaration d ON d.model = m.model ORDER BY m.model`;

/** What to do where a model’s name is not known. */
export const NAMES = 'Check the name: `npx throughline models list` (GET /registry/v1/models) has them.';

@Injectable()
export class ModelClocks {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** `undefined` for a model of which the ledger has no prediction that was answered. */
  async of(model: string, wallNowMs: number): Promise<ModelClock | undefined> {
    return (await this.read(model, wallNowMs))[0];
  }

  async all(wallNowMs: number): Promise<ModelClock[]> {
    return this.read(null, wallNowMs);
  }

  private async read(model: string | null, wallNowMs: number): Promise<ModelClock[]> {
    const rows = await query<{ model: string; occurred_at: Date; requested_at: Date; maturity_seconds: number | null }>(this.dataSource, CLOCK_SQL, [model]);
    return rows.map((row) => ({
      model: row.model, maturitySeconds: row.maturity_seconds ?? undefined,
      nowMs: eventNowMs({ occurredAtMs: row.occurred_at.getTime(), requestedAtMs: row.requested_at.getTime() }, wallNowMs),
    }));
  }
}
