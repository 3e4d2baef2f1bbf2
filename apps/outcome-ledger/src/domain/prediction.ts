import type { Event, PredictionRejected, PredictionScored } from '@throughline/contracts';
import { ContractError } from '@throughline/contracts';
import { packFeatures, type FeatureValue, type PackedFeatures } from './features-codec.js';

/** How a request ended. */
export type PredictionState = 'scored' | 'fallback' | 'rejected';

/** Where a prediction's answer stands in its trace. */
export interface TraceRef {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** One row of the ledger. Times are epoch milliseconds. */
export interface PredictionRecord {
  readonly predictionId: string;
  /** UTC day of `requestedAtMs`, `YYYY-MM-DD`: the partition. */
  readonly day: string;
  readonly state: PredictionState;
  readonly attempt: number;
  readonly requestSource: string;
  readonly requestId: string;
  readonly row: number | undefined;
  readonly lane: string;
  readonly team: string | undefined;
  readonly routingKey: string | undefined;
  readonly entities: Readonly<Record<string, string>> | undefined;
  readonly occurredAtMs: number;
  readonly requestedAtMs: number;
  readonly answeredAtMs: number;
  /** When the brokers wrote the answer down: Kafka's timestamp of its message. */
  readonly publishedAtMs: number;
  readonly requestCoordinates: string | undefined;
  readonly answerCoordinates: string;
  readonly worker: string;
  readonly trace: TraceRef | undefined;
  /** Span that asked, in the same trace. */
  readonly parentSpanId: string | undefined;
  /** Empty when the request could not be read. */
  readonly model: string;
  readonly version: string | undefined;
  readonly answer: Answer | undefined;
  readonly rejection: Rejection | undefined;
  /** When its values were removed, for an entity that is to be forgotten. */
  readonly erasedAtMs?: number;
}

/** What only a rejected request has. */
export interface Rejection {
  readonly code: string;
  readonly reason: string;
  readonly role: string | undefined;
  readonly assignmentRevision: number | undefined;
  readonly timingsMs: Readonly<Record<string, number | undefined>> | undefined;
}

/** What only a scored prediction has. */
export interface Answer {
  readonly artifactSha256: string;
  readonly role: string;
  readonly assignmentRevision: number;
  /** Chance that this version answered, while several shared the traffic. */
  readonly propensity: number | undefined;
  readonly outputs: Readonly<Record<string, unknown[]>>;
  readonly score: number | undefined;
  readonly features: PackedFeatures;
  readonly ageSeconds: Readonly<Record<string, number>> | undefined;
  readonly defaulted: readonly number[] | undefined;
  readonly timingsMs: Readonly<Record<string, number | undefined>>;
  readonly batchSize: number;
  readonly runtime: string | undefined;
  readonly costMicroUsd: number | undefined;
  readonly fallback: { readonly kind: string; readonly reason: string; readonly insteadOf?: string | undefined } | undefined;
  /** Features or outputs were hashed or left out by the model's privacy policy. */
  readonly isWithheld?: boolean;
}

type ScoredEvent = Event<'prediction.scored.v1'> | Event<'prediction.shadowed.v1'>;

/** The row of a scored prediction (or of a shadow's answer). @throws ContractError `schema_invalid` for an instant that is none, `value_forbidden` for a year or an integer that the ledger cannot hold. */
export function recordOfScored(event: ScoredEvent, trace: TraceRef | undefined): PredictionRecord {
  const data: PredictionScored = event.data;
  const { values, ageSeconds, defaulted } = data.features;
  const answer: Answer = {
    artifactSha256: data.artifactSha256, role: data.role, assignmentRevision: exact(data.assignmentRevision, 'assignmentRevision'), propensity: data.propensity,
    outputs: data.outputs, score: data.score, features: packFeatures(values as FeatureValue[]), ageSeconds, defaulted,
    timingsMs: data.timingsMs, batchSize: exact(data.batchSize, 'batchSize'), runtime: data.runtime, costMicroUsd: data.costMicroUsd, fallback: data.fallback,
  };
  return {
    ...common(event, trace), state: data.fallback === undefined ? 'scored' : 'fallback', answeredAtMs: instant(data.scoredAt, 'scoredAt'),
    model: data.model, version: data.version, answer, rejection: undefined,
  };
}

/** The row of a rejected request. @throws ContractError `schema_invalid` for an instant that is none, `value_forbidden` for a year or an integer that the ledger cannot hold. */
export function recordOfRejected(event: Event<'prediction.rejected.v1'>, trace: TraceRef | undefined): PredictionRecord {
  const data: PredictionRejected = event.data;
  return {
    ...common(event, trace), state: 'rejected', answeredAtMs: instant(data.rejectedAt, 'rejectedAt'),
    model: data.model ?? '', version: data.version, answer: undefined, rejection: { code: data.code, reason: data.reason, role: data.role, assignmentRevision: exact(data.assignmentRevision, 'assignmentRevision'), timingsMs: data.timingsMs },
  };
}

function common({ data, message }: ScoredEvent | Event<'prediction.rejected.v1'>, trace: TraceRef | undefined) {
  const requestedAtMs = instant(data.requestedAt, 'requestedAt');
  return {
    predictionId: canonicalId(data.predictionId), day: dayOf(requestedAtMs), attempt: exact(data.attempt ?? 0, 'attempt'),
    requestSource: data.requestSource, requestId: data.requestId, row: exact(data.row, 'row'), lane: data.lane, team: data.team,
    routingKey: data.routingKey, entities: data.entities, occurredAtMs: instant(data.occurredAt, 'occurredAt'), requestedAtMs,
    requestCoordinates: data.requestCoordinates, answerCoordinates: coordinatesOf(message), publishedAtMs: message.timestampMs, worker: data.worker, trace, parentSpanId: data.parentSpanId,
  };
}

/** Years of which neither PostgreSQL nor RFC 3339 has a spelling; an offset may lead out of those that the schema lets through. */
export const YEAR_1_MS = Date.parse('0001-01-01T00:00:00Z');
export const YEAR_10000_MS = Date.UTC(10_000, 0, 1);

/** Epoch milliseconds of an RFC 3339 instant; the schema's pattern lets a thirteenth month through. */
export function instant(text: string, field: string): number {
  const ms = Date.parse(text);
  if (ms < YEAR_1_MS || ms >= YEAR_10000_MS) throw new ContractError('value_forbidden', `data.${field} is not within the years 1 to 9999 of UTC`);
  if (Number.isNaN(ms)) throw new ContractError('schema_invalid', `data.${field} is not an RFC 3339 instant`);
  return ms;
}

/** An integer that JSON carries without loss and PostgreSQL's bigint holds; the schema knows no bound. */
export function exact<N extends number | undefined>(integer: N, field: string): N {
  if (integer !== undefined && integer > Number.MAX_SAFE_INTEGER) throw new ContractError('value_forbidden', `data.${field} is above ${Number.MAX_SAFE_INTEGER}, the largest integer that JSON carries without loss`);
  return integer;
}

/** The one spelling of a UUID: PostgreSQL's. The schema also lets `urn:uuid:` and capitals through. */
export const canonicalId = (uuid: string): string => uuid.toLowerCase().replace(/^urn:uuid:/, '');

/** UTC day of an instant, `YYYY-MM-DD`. */
export function dayOf(epochMs: number): string {
  const day = Math.floor(epochMs / DAY_MS);
  if (day !== lastDay.day) lastDay = { day, text: new Date(epochMs).toISOString().slice(0, 10) };
  return lastDay.text;
}

/** Nearly every request is of the day of the one before. */
let lastDay = { day: Number.NaN, text: '' };

/** `topic/partition/offset` of a message. */
export const coordinatesOf = ({ topic, partition, offset }: { topic: string; partition: number; offset: string }): string => `${topic}/${partition}/${offset}`;

const DAY_MS = 86_400_000;
/** Partitions are made on demand; a clock gone mad must not make thousands. */
const OLDEST_DAYS = 400;
const NEWEST_DAYS = 2;

/** Why a row's processing time cannot be true; `undefined` if it can. */
export function implausibleDay({ requestedAtMs }: { readonly requestedAtMs: number }, nowMs: number): string | undefined {
  const ageDays = (nowMs - requestedAtMs) / DAY_MS;
  if (ageDays <= OLDEST_DAYS && ageDays >= -NEWEST_DAYS) return undefined;
  return `data.requestedAt is processing time and must lie within the last ${OLDEST_DAYS} days`;
}
