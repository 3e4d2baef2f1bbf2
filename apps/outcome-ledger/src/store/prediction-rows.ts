import type { PredictionRecord } from '../domain/prediction.js';
import { timestamp, type Columns } from './rows.js';

export const PREDICTION_COLUMNS = {
  prediction_id: 'uuid', day: 'date', state: 'text', attempt: 'bigint', request_source: 'text', request_id: 'text', request_row: 'bigint', lane: 'text', team: 'text',
  routing_key: 'text', entities: 'jsonb', occurred_at: 'timestamptz', requested_at: 'timestamptz', answered_at: 'timestamptz', request_coordinates: 'text',
  answer_coordinates: 'text', worker: 'text', trace_id: 'text', span_id: 'text', sampled: 'boolean', model: 'text', version: 'text', served_version_id: 'integer', role: 'text',
  assignment_revision: 'bigint', outputs: 'jsonb', score: 'double precision', features: 'bytea', feature_dtype: 'smallint', feature_extras: 'jsonb',
  feature_age_seconds: 'jsonb', defaulted: 'jsonb', timings_ms: 'jsonb', batch_size: 'bigint', runtime: 'text', cost_micro_usd: 'double precision', fallback_kind: 'text',
  fallback_reason: 'text', fallback_instead_of: 'text', code: 'text', reason: 'text', parent_span_id: 'text', propensity: 'double precision', is_withheld: 'boolean', erased_at: 'timestamptz', published_at: 'timestamptz',
} as const satisfies Columns;
export const PREDICTION_COLUMN_NAMES = Object.keys(PREDICTION_COLUMNS) as (keyof typeof PREDICTION_COLUMNS)[];

/** A record as a row of `prediction` or `prediction_shadow`; absent members are null. */
export function rowOf(record: PredictionRecord, servedVersionId: number | undefined): Partial<Record<keyof typeof PREDICTION_COLUMNS, unknown>> {
  const { answer, rejection, trace } = record;
  return {
    prediction_id: record.predictionId, day: record.day, state: record.state, attempt: record.attempt, request_source: record.requestSource, request_id: record.requestId,
    request_row: record.row, lane: record.lane, team: record.team, routing_key: record.routingKey, entities: record.entities, occurred_at: timestamp(record.occurredAtMs),
    requested_at: timestamp(record.requestedAtMs), answered_at: timestamp(record.answeredAtMs), request_coordinates: record.requestCoordinates,
    answer_coordinates: record.answerCoordinates, worker: record.worker, trace_id: trace?.traceId, span_id: trace?.spanId, sampled: trace?.sampled,
    model: record.model, version: record.version, served_version_id: servedVersionId, role: (answer ?? rejection)?.role, assignment_revision: (answer ?? rejection)?.assignmentRevision,
    outputs: answer?.outputs, score: answer?.score, features: answer === undefined ? undefined : `\\x${answer.features.bytes.toString('hex')}`,
    feature_dtype: answer?.features.dtype, feature_extras: answer?.features.extras, feature_age_seconds: answer?.ageSeconds, defaulted: answer?.defaulted,
    timings_ms: (answer ?? rejection)?.timingsMs, batch_size: answer?.batchSize, runtime: answer?.runtime, cost_micro_usd: answer?.costMicroUsd,
    fallback_kind: answer?.fallback?.kind, fallback_reason: answer?.fallback?.reason, fallback_instead_of: answer?.fallback?.insteadOf, code: rejection?.code, reason: rejection?.reason,
    parent_span_id: record.parentSpanId, propensity: answer?.propensity, is_withheld: answer?.isWithheld,
    erased_at: record.erasedAtMs === undefined ? undefined : timestamp(record.erasedAtMs), published_at: timestamp(record.publishedAtMs),
  };
}
