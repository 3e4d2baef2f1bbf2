import { costOf, sizeBytesOf, type Prices } from '../costs/domain/cost.js';
import { unpackFeatures, type FeatureDtype } from '../domain/features-codec.js';
import { cureOf, nameFeatures } from '../domain/story.js';
import type { OutcomeRow } from '../store/outcome-rows.js';
import type { KnownVersion } from '../store/served-versions.js';
import type { Assignment } from './domain/assignment.js';
import { stagesOf } from './domain/stages.js';
import { whyThisVersion, type Why } from './domain/why.js';
import type { JoinedRow, StoryRow } from './story-rows.js';

// The parts of a story, as plain JSON: what is absent is left out.

export const requestPart = (row: StoryRow): object => ({
  source: row.request_source, id: row.request_id, ...maybe('row', row.request_row === null ? null : Number(row.request_row)), attempt: Number(row.attempt), lane: row.lane,
  ...maybe('team', row.team), ...maybe('routingKey', row.routing_key), ...maybe('entities', row.entities),
  occurredAt: row.occurred_at, requestedAt: row.requested_at, ...maybe('coordinates', row.request_coordinates),
});

export function answerPart(row: StoryRow, served: KnownVersion | undefined): object {
  const { task, score } = served?.signature ?? {};
  const decides = task === 'binary_classification' && score?.threshold !== undefined && row.score !== null;
  return {
    model: row.model, version: row.version, artifactSha256: served?.artifactSha256, role: row.role, assignmentRevision: Number(row.assignment_revision),
    ...maybe('score', row.score), ...maybe('threshold', score?.threshold ?? null), ...(decides ? { decision: row.score! >= score.threshold! } : {}), outputs: row.outputs,
    answeredAt: row.answered_at, timingsMs: row.timings_ms, batchSize: Number(row.batch_size), worker: row.worker, ...maybe('runtime', row.runtime),
    ...maybe('costMicroUsd', row.cost_micro_usd), coordinates: row.answer_coordinates, recordedAt: row.recorded_at,
    ...(row.fallback_kind === null ? {} : { fallback: { kind: row.fallback_kind, reason: row.fallback_reason, ...(row.fallback_instead_of === null ? {} : { insteadOf: row.fallback_instead_of }) } }),
  };
}

export const rejectionPart = (row: StoryRow): object => ({
  code: row.code, reason: row.reason, cure: cureOf(row.code ?? ''), ...maybe('model', row.model === '' ? null : row.model), ...maybe('version', row.version), ...maybe('role', row.role),
  ...maybe('assignmentRevision', row.assignment_revision === null ? null : Number(row.assignment_revision)), ...maybe('timingsMs', row.timings_ms),
  answeredAt: row.answered_at, worker: row.worker, coordinates: row.answer_coordinates, recordedAt: row.recorded_at,
});

/** `undefined` for a request that met no deployment. */
export function whyPart(row: StoryRow, assignment: Assignment | undefined): Why | undefined {
  if (row.version === null || row.role === null || row.assignment_revision === null) return undefined;
  const fallback = row.fallback_kind === null ? undefined : { kind: row.fallback_kind, reason: row.fallback_reason ?? '', insteadOf: row.fallback_instead_of ?? undefined };
  return whyThisVersion({ version: row.version, role: row.role, revision: Number(row.assignment_revision), propensity: row.propensity ?? undefined, fallback }, assignment);
}

export const stagesPart = (row: StoryRow, assignment: Assignment | undefined): object[] => stagesOf(row.timings_ms ?? {}, assignment?.latencyBudgetMs);

/** What is left of the values that it was answered from and with. */
export function valuesPart(row: StoryRow): { values: 'kept' | 'withheld' | 'erased' | 'expired'; erasedAt?: Date } {
  if (row.erased_at !== null) return { values: 'erased', erasedAt: row.erased_at };
  if (row.is_withheld === true) return { values: 'withheld' };
  return { values: row.features === null && row.state !== 'rejected' ? 'expired' : 'kept' };
}

export function featuresPart(row: StoryRow, served: KnownVersion | undefined): object[] {
  const values = unpackFeatures({ dtype: row.feature_dtype as FeatureDtype, bytes: row.features as Buffer, extras: row.feature_extras ?? undefined });
  return nameFeatures(values, served?.signature, row.feature_age_seconds ?? {}, row.defaulted ?? []);
}

/** What it cost, estimated, and what it earned. */
export function moneyPart(row: StoryRow, joined: JoinedRow | undefined, prices: Prices): object {
  const viewsRead = Object.keys(row.feature_age_seconds ?? {}).length;
  const texts = [row.request_source, row.request_id, row.routing_key ?? undefined, row.request_coordinates ?? undefined, row.worker, row.runtime ?? undefined];
  const sizeBytes = sizeBytesOf({ featureBytes: row.features?.length ?? 0, viewsRead, texts });
  const { computeMicroUsd, featuresMicroUsd, storageMicroUsd, totalMicroUsd } = costOf({ computeMicroUsd: row.cost_micro_usd ?? undefined, viewsRead, sizeBytes }, prices);
  const valueMicroUsd = joined?.value_micro_usd ?? null;
  return {
    isEstimate: true, computeMicroUsd: computeMicroUsd ?? null, featuresMicroUsd, storageMicroUsd, totalMicroUsd, valueMicroUsd,
    netMicroUsd: valueMicroUsd === null ? null : valueMicroUsd - totalMicroUsd,
  };
}

export const joinedPart = (row: JoinedRow): object => ({
  value: row.outcome, ...(row.observed === null ? {} : { observed: row.observed }), assumed: row.is_assumed, source: row.outcome_source, sequence: Number(row.outcome_sequence),
  occurredAt: row.outcome_occurred_at, delaySeconds: row.delay_seconds, ...maybe('error', row.error), ...maybe('correct', row.correct), ...maybe('valueMicroUsd', row.value_micro_usd), joinedAt: row.joined_at,
});

export const outcomePart = (row: OutcomeRow, holds: boolean): object => ({
  value: row.value, source: row.source, sequence: Number(row.sequence), occurredAt: row.occurred_at, ...maybe('observedAt', row.observed_at),
  receivedAt: row.received_at, recordedAt: row.recorded_at, holds, coordinates: row.coordinates, ...maybe('traceId', row.trace_id),
});

export const shadowPart = (row: StoryRow): object => ({ version: row.version, assignmentRevision: Number(row.assignment_revision), outputs: row.outputs, score: row.score });

export const tracePart = (row: StoryRow): object | null =>
  (row.trace_id === null ? null : { traceId: row.trace_id, spanId: row.span_id, ...maybe('parentSpanId', row.parent_span_id), sampled: row.sampled });

const maybe = <T>(name: string, value: T | null): Record<string, T> => (value === null ? {} : { [name]: value });
