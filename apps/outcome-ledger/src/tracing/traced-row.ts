import { derivedSpanId, derivedTraceId, type TraceContext } from '@throughline/telemetry';
import type { EntityManager } from 'typeorm';
import { atPlaces, placesParameter, type Place } from '../store/facts.js';
import { traceOf, type TraceColumns } from '../store/trace-columns.js';
import type { TraceRef } from '../domain/prediction.js';
import type { Timed } from './domain/timeline.js';

/** What a prediction's spans are made of: never its features, entities, keys, outputs or the reason of a rejection, which may quote them. */
export interface TracedRow extends Timed {
  readonly predictionId: string;
  readonly state: string;
  readonly lane: string;
  readonly team: string | undefined;
  readonly requestCoordinates: string | undefined;
  readonly answerCoordinates: string;
  readonly recordedAtMs: number;
  readonly worker: string;
  /** Of the scoring, as its headers announced it. */
  readonly scoring: TraceContext;
  readonly parentSpanId: string | undefined;
  /** Empty when the request could not be read. */
  readonly model: string;
  readonly version: string | undefined;
  readonly artifactSha256: string | undefined;
  readonly role: string | undefined;
  readonly assignmentRevision: number | undefined;
  readonly batchSize: number | undefined;
  readonly runtime: string | undefined;
  readonly costMicroUsd: number | undefined;
  readonly fallbackReason: string | undefined;
  readonly errorCode: string | undefined;
}

/** Where a prediction stands in traces; one that came without any has ids that follow from its own. */
export const scoringContext = (predictionId: string, trace: TraceRef | undefined): TraceContext =>
  trace ?? { traceId: derivedTraceId(predictionId), spanId: derivedSpanId(predictionId), sampled: false };

/** The rows of predictions, one statement for all. */
export async function loadTraced(manager: EntityManager, places: readonly Place[]): Promise<TracedRow[]> {
  if (places.length === 0) return [];
  const rows: Row[] = await manager.query(atPlaces('prediction', COLUMNS), [placesParameter(places)]);
  return rows.map(tracedOf);
}

const COLUMNS = `p.prediction_id, p.state, p.lane, p.team, p.requested_at, p.answered_at, p.published_at, p.recorded_at, p.request_coordinates, p.answer_coordinates, p.worker,
  p.trace_id, p.span_id, p.sampled, p.parent_span_id, p.model, p.version, p.role, p.assignment_revision, p.timings_ms, p.batch_size, p.runtime, p.cost_micro_usd, p.fallback_reason, p.code,
  (SELECT s.artifact_sha256 FROM served_version s WHERE s.id = p.served_version_id)`;

interface Row extends TraceColumns {
  readonly prediction_id: string;
  readonly state: string;
  readonly lane: string;
  readonly team: string | null;
  readonly requested_at: Date;
  readonly answered_at: Date;
  readonly published_at: Date | null;
  readonly recorded_at: Date;
  readonly request_coordinates: string | null;
  readonly answer_coordinates: string;
  readonly worker: string;
  readonly parent_span_id: string | null;
  readonly model: string;
  readonly version: string | null;
  readonly role: string | null;
  readonly assignment_revision: string | null;
  readonly timings_ms: Record<string, number> | null;
  readonly batch_size: string | null;
  readonly runtime: string | null;
  readonly cost_micro_usd: number | null;
  readonly fallback_reason: string | null;
  readonly code: string | null;
  readonly artifact_sha256: string | null;
}

const tracedOf = (row: Row): TracedRow => ({
  predictionId: row.prediction_id, state: row.state, lane: row.lane, team: row.team ?? undefined, requestedAtMs: row.requested_at.getTime(), answeredAtMs: row.answered_at.getTime(),
  publishedAtMs: row.published_at?.getTime(), recordedAtMs: row.recorded_at.getTime(), requestCoordinates: row.request_coordinates ?? undefined, answerCoordinates: row.answer_coordinates,
  worker: row.worker, scoring: scoringContext(row.prediction_id, traceOf(row)), parentSpanId: row.parent_span_id ?? undefined, model: row.model, version: row.version ?? undefined,
  artifactSha256: row.artifact_sha256 ?? undefined, role: row.role ?? undefined, assignmentRevision: optionalNumber(row.assignment_revision), timingsMs: row.timings_ms ?? undefined,
  batchSize: optionalNumber(row.batch_size), runtime: row.runtime ?? undefined, costMicroUsd: row.cost_micro_usd ?? undefined, fallbackReason: row.fallback_reason ?? undefined, errorCode: row.code ?? undefined,
});

const optionalNumber = (value: string | null): number | undefined => (value === null ? undefined : Number(value));
