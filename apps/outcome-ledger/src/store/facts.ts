import type { EntityManager } from 'typeorm';
import type { PredictionKey } from '../domain/admission.js';
import type { JoinedRef, PredictionFacts } from '../domain/joining.js';
import { recordset, rowsParameter } from './rows.js';
import { traceOf, type TraceColumns } from './trace-columns.js';

/** A scored prediction's facts and the dictionary entry that says how to read them. */
export interface StoredFacts {
  readonly facts: PredictionFacts;
  readonly servedVersionId: number;
}

interface FactsRow extends TraceColumns {
  readonly prediction_id: string;
  readonly day: string;
  readonly attempt: string;
  readonly request_source: string;
  readonly request_id: string;
  readonly model: string;
  readonly version: string;
  readonly served_version_id: number;
  readonly role: string;
  readonly lane: string;
  readonly team: string | null;
  readonly assignment_revision: string;
  readonly routing_key: string | null;
  readonly entities: Record<string, string> | null;
  readonly score: number | null;
  readonly occurred_at: Date;
  readonly requested_at: Date;
  readonly fallback_kind: string | null;
  readonly cost_micro_usd: number | null;
  readonly propensity: number | null;
}

const FACTS = `p.prediction_id, p.day::text, p.attempt, p.request_source, p.request_id, p.model, p.version, p.served_version_id, p.role, p.lane, p.team, p.assignment_revision,
  p.routing_key, p.entities, p.score, p.occurred_at, p.requested_at, p.fallback_kind, p.cost_micro_usd, p.propensity, p.trace_id, p.span_id, p.sampled`;

const PLACE_COLUMNS = { prediction_id: 'uuid', day: 'date' } as const;

/** Rows of the given keys, at most `limit` each. LATERAL … LIMIT keeps the planner to one index probe, in one partition, a key. */
export const atPlaces = (table: string, columns: string, limit = 1): string =>
  `SELECT f.* FROM ${recordset(1, PLACE_COLUMNS)} CROSS JOIN LATERAL (SELECT ${columns} FROM ${table} p WHERE p.prediction_id = r.prediction_id AND p.day = r.day LIMIT ${limit}) f`;

export type Place = Pick<PredictionKey, 'predictionId' | 'day'>;
export const placesParameter = (places: readonly Place[]): string => rowsParameter(places.map(({ predictionId, day }) => ({ prediction_id: predictionId, day })));

/** The facts of predictions that have an answer. */
export async function loadFacts(manager: EntityManager, keys: readonly PredictionKey[]): Promise<Map<string, StoredFacts>> {
  const answered = keys.filter(({ state }) => state === 'scored' || state === 'fallback');
  if (answered.length === 0) return new Map();
  const rows: FactsRow[] = await manager.query(atPlaces('prediction', FACTS), [placesParameter(answered)]);
  return new Map(rows.map((row) => [row.prediction_id, { facts: factsOfRow(row), servedVersionId: row.served_version_id }]));
}

/** Which outcome each of these predictions was last joined with. */
export async function loadJoined(manager: EntityManager, places: readonly Place[]): Promise<Map<string, JoinedRef>> {
  if (places.length === 0) return new Map();
  const rows: { prediction_id: string; outcome_source: string; outcome_sequence: string; outcome_occurred_at: Date; is_assumed: boolean; attempt: string; value_micro_usd: number | null; revision: number | null }[] = await manager.query(
    atPlaces('prediction_joined', 'p.prediction_id, p.outcome_source, p.outcome_sequence, p.outcome_occurred_at, p.is_assumed, p.attempt, p.value_micro_usd, p.revision'), [placesParameter(places)]);
  return new Map(rows.map((row) => [row.prediction_id, {
    source: row.outcome_source, sequence: Number(row.outcome_sequence), attempt: Number(row.attempt), valueMicroUsd: row.value_micro_usd ?? undefined,
    assumedAtMs: row.is_assumed ? row.outcome_occurred_at.getTime() : undefined, revision: row.revision ?? undefined,
  }]));
}

const factsOfRow = (row: FactsRow): PredictionFacts => ({
  predictionId: row.prediction_id, day: row.day, attempt: Number(row.attempt), requestSource: row.request_source, requestId: row.request_id, model: row.model, version: row.version,
  role: row.role, lane: row.lane, team: row.team ?? undefined, assignmentRevision: Number(row.assignment_revision), routingKey: row.routing_key ?? undefined, entities: row.entities ?? undefined,
  score: row.score ?? undefined, occurredAtMs: row.occurred_at.getTime(), requestedAtMs: row.requested_at.getTime(), fallback: row.fallback_kind ?? undefined, costMicroUsd: row.cost_micro_usd ?? undefined, propensity: row.propensity ?? undefined, trace: traceOf(row),
});
