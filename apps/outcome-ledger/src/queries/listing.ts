import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import type { PredictionFilter } from './domain/filter.js';
import { Pages, type Position } from './pages.js';

export interface ListedPrediction {
  readonly predictionId: string;
  readonly state: string;
  readonly model: string;
  readonly version: string | null;
  readonly role: string | null;
  readonly lane: string;
  readonly team: string | null;
  readonly occurredAt: Date;
  readonly requestedAt: Date;
  readonly score: number | null;
  readonly code: string | null;
  /** Kind of the fallback that answered. */
  readonly fallback: string | null;
  readonly outcome: unknown;
  /** The outcome is what the model declares where none came. */
  readonly assumed: boolean | null;
  readonly delaySeconds: number | null;
  readonly error: number | null;
  readonly correct: boolean | null;
  readonly valueMicroUsd: number | null;
  /** What all stages took together. */
  readonly totalMs: number | null;
}

export interface Page {
  readonly predictions: readonly ListedPrediction[];
  /** Give it as `cursor` for what follows; null at the end. */
  readonly nextCursor: string | null;
}

const COLUMNS = `p.state, p.model, p.version, p.role, p.lane, p.team, p.requested_at AS "requestedAt", p.score, p.code, p.fallback_kind AS fallback, j.outcome, j.is_assumed AS assumed,
  j.delay_seconds AS "delaySeconds", j.error, j.correct, j.value_micro_usd AS "valueMicroUsd", (p.timings_ms->>'total')::float8 AS "totalMs"`;
const LIMIT_MS = 5_000;

/** Lists predictions by event time, newest first. */
@Injectable()
export class Listing {
  constructor(@Inject(Pages) private readonly pages: Pages) {}

  async page(filter: PredictionFilter, limit: number, cursor: string | undefined): Promise<Page> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const rows = await this.pages.read<Omit<ListedPrediction, 'predictionId' | 'occurredAt'>>({ filter, columns: COLUMNS, order: 'newest_first', after, limit: limit + 1, limitMs: LIMIT_MS });
    const predictions = rows.slice(0, limit).map(({ occurred_at, prediction_id, ...row }) => ({ predictionId: prediction_id, ...row, occurredAt: occurred_at }));
    const last = predictions.at(-1);
    return { predictions, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null };
  }
}

const encodeCursor = ({ occurredAt, predictionId }: Pick<ListedPrediction, 'occurredAt' | 'predictionId'>): string => Buffer.from(`${occurredAt.getTime()} ${predictionId}`).toString('base64url');

function decodeCursor(cursor: string): Position {
  const match = /^(-?\d{1,15}) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null) throw new ContractError('invalid_request', 'cursor is not one that this listing gave');
  return { occurredAtMs: Number(match[1]), predictionId: match[2] as string };
}
