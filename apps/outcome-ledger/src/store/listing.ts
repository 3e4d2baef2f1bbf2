import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import type { PredictionState } from '../domain/prediction.js';

export interface ListingFilter {
  /** Without it, all models. */
  readonly model?: string | undefined;
  /** Event time of the request, from (inclusive) and to (exclusive). */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly outcome?: 'joined' | 'pending' | undefined;
  readonly state?: PredictionState | undefined;
  readonly team?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface ListedPrediction {
  readonly predictionId: string;
  readonly state: string;
  readonly model: string;
  readonly version: string | null;
  readonly role: string | null;
  readonly team: string | null;
  readonly occurredAt: Date;
  readonly requestedAt: Date;
  readonly score: number | null;
  readonly code: string | null;
  /** Kind of the fallback that answered. */
  readonly fallback: string | null;
  readonly outcome: unknown;
  readonly delaySeconds: number | null;
  readonly correct: boolean | null;
}

export interface Page {
  readonly predictions: readonly ListedPrediction[];
  /** Give it as `cursor` for what follows; null at the end. */
  readonly nextCursor: string | null;
}

/** One index range a model, newest first; the few rows of each are then merged. */
const LIST_SQL = `SELECT l.* FROM (SELECT DISTINCT model FROM tally WHERE model <> '' AND ($1::text IS NULL OR model = $1)) m
  CROSS JOIN LATERAL (
    SELECT p.prediction_id AS "predictionId", p.state, p.model, p.version, p.role, p.team, p.occurred_at AS "occurredAt", p.requested_at AS "requestedAt",
      p.score, p.code, p.fallback_kind AS fallback, j.outcome, j.delay_seconds AS "delaySeconds", j.correct
    FROM prediction p LEFT JOIN prediction_joined j ON j.prediction_id = p.prediction_id AND j.day = p.day
    WHERE p.model = m.model AND p.occurred_at >= $2 AND p.occurred_at < $3 AND ($4::timestamptz IS NULL OR (p.occurred_at, p.prediction_id) < ($4, $5::uuid))
      AND ($6::text IS NULL OR p.team = $6) AND ($9::text IS NULL OR p.state = $9) AND CASE $7::text WHEN 'joined' THEN j.prediction_id IS NOT NULL WHEN 'pending' THEN j.prediction_id IS NULL AND p.state <> 'rejected' ELSE true END
    ORDER BY p.occurred_at DESC, p.prediction_id DESC LIMIT $8) l
  ORDER BY l."occurredAt" DESC, l."predictionId" DESC LIMIT $8`;

/** Lists predictions by event time, newest first. */
@Injectable()
export class Listing {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async page({ model, from = '-infinity', to = 'infinity', outcome, state, team, limit, cursor }: ListingFilter): Promise<Page> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const parameters = [model ?? null, from, to, after?.occurredAt ?? null, after?.predictionId ?? null, team ?? null, outcome ?? null, limit + 1, state ?? null];
    const rows = await query<ListedPrediction>(this.dataSource, LIST_SQL, parameters);
    const predictions = rows.slice(0, limit);
    const last = predictions.at(-1);
    return { predictions, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null };
  }
}

type Position = Pick<ListedPrediction, 'occurredAt' | 'predictionId'>;

const encodeCursor = ({ occurredAt, predictionId }: Position): string => Buffer.from(`${occurredAt.getTime()} ${predictionId}`).toString('base64url');

function decodeCursor(cursor: string): Position {
  const match = /^(-?\d{1,15}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw new ContractError('invalid_request', 'cursor is not one that this listing gave');
  return { occurredAt: new Date(Number(match[1])), predictionId: match[2] as string };
}
