import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { unpackFeatures, type FeatureDtype, type FeatureValue } from '../domain/features-codec.js';
import type { OutcomeValue } from '../domain/outcome.js';
import type { StoredValues } from './domain/features-by-name.js';

/** Predictions of a model whose event time is in the period, from (inclusive) and to (exclusive). */
export interface Period {
  readonly model: string;
  readonly from: string;
  readonly to: string;
}

/** A version as it answered under one revision. */
export interface AnsweredBy {
  readonly revision: number;
  readonly version: string;
  readonly role: string;
  readonly servedVersionId: number;
  readonly isFallback: boolean;
  readonly predictions: number;
  /** The smallest that was recorded; `undefined` where none was. */
  readonly propensity: number | undefined;
}

const ANSWERED_SQL = `SELECT p.assignment_revision::float8 AS revision, p.version, p.role, p.served_version_id AS "servedVersionId", p.fallback_kind IS NOT NULL AS "isFallback",
    count(*)::float8 AS predictions, min(p.propensity) AS propensity
  FROM prediction p WHERE p.model = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND p.state <> 'rejected'
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3 LIMIT 20000`;

/** Who answered in the period. Reads no features. */
export async function answeredBy(source: DataSource, { model, from, to }: Period): Promise<AnsweredBy[]> {
  const rows = await query<AnsweredBy & { propensity: number | null }>(source, ANSWERED_SQL, [model, from, to]);
  return rows.map((row) => ({ ...row, propensity: row.propensity ?? undefined }));
}

export interface PastRow {
  readonly predictionId: string;
  readonly occurredAt: Date;
  readonly revision: number;
  readonly version: string;
  readonly role: string;
  readonly servedVersionId: number;
  readonly routingKey: string | null;
  readonly score: number | null;
  readonly propensity: number | null;
  readonly fallbackKind: string | null;
  readonly isErased: boolean;
  readonly stored: StoredValues;
  readonly outcome: OutcomeValue | null;
  readonly valueMicroUsd: number | null;
}

const PAGE_ROWS = 2_000;

const PAGE_SQL = `SELECT p.prediction_id AS "predictionId", p.occurred_at AS "occurredAt", p.occurred_at::text AS position, p.assignment_revision::float8 AS revision, p.version, p.role,
    p.served_version_id AS "servedVersionId", p.routing_key AS "routingKey", p.score, p.propensity, p.fallback_kind AS "fallbackKind", p.features, p.feature_dtype, p.feature_extras, p.defaulted,
    p.is_withheld, p.erased_at IS NOT NULL AS "isErased", j.outcome, j.value_micro_usd AS "valueMicroUsd"
  FROM prediction p LEFT JOIN prediction_joined j ON j.prediction_id = p.prediction_id AND j.day = p.day
  WHERE p.model = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND (p.occurred_at, p.prediction_id) > ($4, $5::uuid) AND p.state <> 'rejected'
  ORDER BY p.occurred_at, p.prediction_id LIMIT $6`;

/** The predictions of the period, oldest first, a page at a time. */
export async function* pagesOf(source: DataSource, { model, from, to }: Period, limit: number): AsyncGenerator<PastRow[]> {
  let position: [string, string] = ['-infinity', '00000000-0000-0000-0000-000000000000'];
  for (let left = limit; left > 0; ) {
    const page = await query<PageRow>(source, PAGE_SQL, [model, from, to, ...position, Math.min(PAGE_ROWS, left)]);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page.map(toPast);
    if (page.length < PAGE_ROWS) return;
    position = [last.position, last.predictionId];
    left -= page.length;
  }
}

interface PageRow extends Omit<PastRow, 'stored'> {
  readonly position: string;
  readonly features: Buffer | null;
  readonly feature_dtype: FeatureDtype | null;
  readonly feature_extras: Record<string, FeatureValue> | null;
  readonly defaulted: number[] | null;
  readonly is_withheld: boolean | null;
}

function toPast({ position: _, features, feature_dtype: dtype, feature_extras: extras, defaulted, is_withheld: isWithheld, ...row }: PageRow): PastRow {
  const values = features === null || dtype === null ? [] : unpackFeatures({ dtype, bytes: features, extras: extras ?? undefined });
  return { ...row, stored: { values, defaulted: defaulted ?? [], isWithheld: isWithheld === true } };
}
