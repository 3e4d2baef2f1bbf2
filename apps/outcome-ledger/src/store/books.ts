import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import type { PredictionState } from '../domain/prediction.js';
import type { Measure } from '../domain/tally.js';

export interface VersionSummary {
  readonly model: string;
  readonly version: string;
  readonly predictions: number;
  /** Of these, answered by it as a fallback, or in its place. */
  readonly fallback: number;
  readonly rejected: number;
  readonly shadowed: number;
  readonly joined: number;
  readonly pending: number;
  /** Of the last joined predictions (at most `AUC_WINDOW`), fallbacks left out; null where the model is not binary or one class is missing. */
  readonly auc: number | null;
  /** Predictions that `auc` is over. */
  readonly aucCount: number;
}

export interface Summary {
  /** Answered with a score, by the model or by a declared fallback. */
  readonly predictions: number;
  /** Of these, by a fallback. */
  readonly fallback: number;
  readonly rejected: number;
  readonly shadowed: number;
  /** Outcome records kept, corrections included. */
  readonly outcomes: number;
  /** Copies of outcome records, none of which had an effect. */
  readonly duplicateOutcomes: number;
  /** Predictions whose outcome is known. */
  readonly joined: number;
  /** Of these, those whose outcome is assumed: none came within the model's maturity. */
  readonly assumed: number;
  /** Predictions whose outcome is not known. */
  readonly pending: number;
  /** Outcome records whose prediction has not been seen. */
  readonly unmatched: number;
  readonly outcomesOfRejected: number;
  readonly models: readonly VersionSummary[];
}

/** A bound on what one summary reads. */
export const AUC_WINDOW = 20_000;

/** Area under the ROC curve as the Mann-Whitney statistic with mid-ranks: (sum of the positives' ranks - p(p+1)/2) / (p·n). */
const AUC_SQL = `SELECT v.model, v.version, a.* FROM (
    SELECT DISTINCT t.model, t.version FROM tally t JOIN served_version s ON s.model = t.model AND s.version = t.version
    WHERE t.measure = 'joined' AND s.signature->>'task' = 'binary_classification') v
  CROSS JOIN LATERAL (
    WITH recent AS (
      SELECT j.score, j.outcome_number = 1 AS positive FROM prediction_joined j
      WHERE j.model = v.model AND j.version = v.version AND NOT j.is_fallback AND j.score IS NOT NULL AND j.outcome_number IN (0, 1)
      ORDER BY j.joined_at DESC LIMIT $1),
    ranked AS (SELECT positive, rank() OVER (ORDER BY score) + (count(*) OVER (PARTITION BY score) - 1) / 2.0 AS midrank FROM recent),
    sums AS (SELECT count(*) AS n, count(*) FILTER (WHERE positive) AS p, sum(midrank) FILTER (WHERE positive) AS ranks FROM ranked)
    SELECT n::int AS "aucCount", ((ranks - p * (p + 1) / 2.0) / NULLIF(p * (n - p), 0))::float8 AS auc FROM sums) a`;

/** Whether every request has ended, and how much is known of what came of it. */
@Injectable()
export class Books {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** How these predictions ended. Only those whose row is really there: a key without its row is a hole in the books. */
  async states(ids: readonly string[]): Promise<Record<string, PredictionState>> {
    const rows = await query<{ prediction_id: string; state: PredictionState }>(this.dataSource,
      `SELECT k.prediction_id, f.state FROM prediction_key k
       CROSS JOIN LATERAL (SELECT p.state FROM prediction p WHERE p.prediction_id = k.prediction_id AND p.day = k.day LIMIT 1) f
       WHERE k.prediction_id = ANY($1)`, [ids]);
    return Object.fromEntries(rows.map(({ prediction_id, state }) => [prediction_id, state]));
  }

  async summary({ auc }: { auc: boolean }): Promise<Summary> {
    const tally = await query<TallyRow>(this.dataSource, `SELECT model, version, measure, sum(count)::float8 AS count FROM tally GROUP BY model, version, measure`);
    const aucs = auc ? await query<AucRow>(this.dataSource, AUC_SQL, [AUC_WINDOW]) : [];
    const total = (measure: Measure): number => sumOf(tally, measure);
    const predictions = total('scored') + total('fallback');
    return {
      predictions, fallback: total('fallback'), rejected: total('rejected'), shadowed: total('shadowed'), outcomes: total('outcomes'), joined: total('joined'),
      pending: predictions - total('joined'), unmatched: total('unmatched'), outcomesOfRejected: total('outcomes_of_rejected'), duplicateOutcomes: total('duplicate_outcomes'), assumed: total('assumed'), models: byVersion(tally, aucs),
    };
  }
}

interface TallyRow {
  readonly model: string;
  readonly version: string;
  readonly measure: Measure;
  readonly count: number;
}

interface AucRow {
  readonly model: string;
  readonly version: string;
  readonly auc: number | null;
  readonly aucCount: number;
}

const sumOf = (rows: readonly TallyRow[], measure: Measure): number => rows.reduce((sum, row) => (row.measure === measure ? sum + row.count : sum), 0);

/** Requests that were rejected before a version was chosen belong to none. */
function byVersion(tally: readonly TallyRow[], aucs: readonly AucRow[]): VersionSummary[] {
  const groups = Map.groupBy(tally.filter(({ version }) => version !== ''), ({ model, version }) => JSON.stringify([model, version]));
  return [...groups.values()].map((rows) => {
    const { model, version } = rows[0] as TallyRow;
    const auc = aucs.find((one) => one.model === model && one.version === version);
    const fallback = sumOf(rows, 'fallback');
    const predictions = sumOf(rows, 'scored') + fallback;
    const joined = sumOf(rows, 'joined');
    return {
      model, version, predictions, fallback, rejected: sumOf(rows, 'rejected'), shadowed: sumOf(rows, 'shadowed'), joined, pending: predictions - joined,
      auc: auc?.auc ?? null, aucCount: auc?.aucCount ?? 0,
    };
  }).sort((a, b) => (a.model === b.model ? a.version.localeCompare(b.version, 'en', { numeric: true }) : a.model < b.model ? -1 : 1));
}
