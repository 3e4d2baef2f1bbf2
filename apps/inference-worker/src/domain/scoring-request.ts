import type { Event, EventTopic, PredictionRequested, Undecodable } from '@throughline/contracts';
import { isPackError, readTensors, type FeatureScalar, type TensorTable } from '@throughline/features';
import { reject, rejectPack, type Rejection } from './rejection.js';

export type Lane = 'stream' | 'batch' | 'http';

/** Which message asked, and everything of it that the answer repeats. */
export interface RequestIdentity {
  readonly lane: Lane;
  readonly source: string;
  readonly id: string;
  /** Row of an HTTP request with several rows. */
  readonly row: number | undefined;
  readonly attempt: number;
  /** Key of the answer. */
  readonly key: string | Buffer;
  readonly traceparent: string | undefined;
  /** `topic/partition/offset` */
  readonly coordinates: string | undefined;
  /** Processing time: the Kafka timestamp, or the receipt over HTTP. Epoch milliseconds. */
  readonly requestedAtMs: number;
  /** Event time as the sender wrote it, else `occurredAtMs` says it. */
  readonly occurredAt: string | undefined;
  readonly occurredAtMs: number;
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly entities: Readonly<Record<string, string>> | undefined;
  readonly routingKey: string | undefined;
  readonly team: string | undefined;
}

/** One row to score, whichever lane it came on. */
export interface ScoringRequest extends RequestIdentity {
  readonly model: string;
  /** Milliseconds after `requestedAtMs`. */
  readonly deadlineMs: number | undefined;
  /** 1 (first) to 9; `DEFAULT_PRIORITY` where the request does not say. */
  readonly priority: number;
  /** Named features; `tensors` instead when they came as such. */
  readonly features: Readonly<Record<string, FeatureScalar>> | undefined;
  /** Tensors of the whole request; this request is their row `row ?? 0`. */
  readonly tensors: TensorTable | undefined;
}

export const DEFAULT_PRIORITY = 5;

export type RequestTopic = Extract<EventTopic, 'prediction.requested.v1' | 'prediction.requested.batch.v1'>;

export const LANE_OF: Readonly<Record<RequestTopic, Lane>> = { 'prediction.requested.v1': 'stream', 'prediction.requested.batch.v1': 'batch' };

/** A row to score, or whom to answer “no” and why. */
export type Candidate = { readonly request: ScoringRequest; readonly rejection: undefined } | { readonly request: RequestIdentity; readonly rejection: Rejection };

/** A message of a request topic as a row to score, or why it cannot be one. */
export function candidateOfEvent(event: Event<RequestTopic>): Candidate {
  const { data, message } = event;
  const statedMs = data.occurredAt === undefined ? event.timeMs : Date.parse(data.occurredAt);
  const isInstant = statedMs === undefined || !Number.isNaN(statedMs);
  const tensors = data.inputs === undefined ? undefined : oneRow(data);
  const request: ScoringRequest = {
    lane: LANE_OF[event.topic],
    source: event.source,
    id: event.id,
    row: undefined,
    attempt: event.attempt,
    key: message.key ?? data.routingKey ?? event.id,
    traceparent: event.traceparent,
    coordinates: coordinatesOf(message),
    requestedAtMs: message.timestampMs,
    occurredAt: isInstant ? data.occurredAt : undefined,
    occurredAtMs: isInstant && statedMs !== undefined ? statedMs : message.timestampMs,
    model: data.model,
    version: data.version,
    entities: data.entities,
    routingKey: data.routingKey,
    team: data.team,
    deadlineMs: data.deadlineMs,
    priority: data.priority ?? DEFAULT_PRIORITY,
    features: data.features,
    tensors: tensors === undefined || 'code' in tensors ? undefined : tensors,
  };
  if (!isInstant) return { request, rejection: reject('schema_invalid', 'data.occurredAt is not an instant that exists') };
  return tensors !== undefined && 'code' in tensors ? { request, rejection: tensors } : { request, rejection: undefined };
}

/** A message that cannot be read is answered too: under the identity of its envelope, else of its place in the topic. */
export function candidateOfUndecodable(message: Undecodable, lane: Lane): Candidate {
  const { source, id, attempt, traceparent, code, reason, cure } = message;
  const request: RequestIdentity = {
    lane, source, id, attempt, traceparent,
    row: undefined,
    key: message.message.key ?? id,
    coordinates: coordinatesOf(message.message),
    requestedAtMs: message.message.timestampMs,
    occurredAt: undefined,
    occurredAtMs: message.message.timestampMs,
    model: undefined,
    version: undefined,
    entities: undefined,
    routingKey: undefined,
    team: undefined,
  };
  return { request, rejection: { code, reason, cure } };
}

function oneRow(data: PredictionRequested): TensorTable | Rejection {
  if (data.features !== undefined) return reject('schema_invalid', 'the request has both features and inputs; send one of them');
  const table = readTensors(data.inputs!);
  if (isPackError(table)) return rejectPack(table);
  return table.rowCount === 1 ? table : reject('wrong_shape', `on topics one request is one row; the tensors have ${table.rowCount}`);
}

/** Where a message stands. */
export const coordinatesOf = ({ topic, partition, offset }: { topic: string; partition: number; offset: string }): string => `${topic}/${partition}/${offset}`;

/** Whether the answer would come too late already. */
export function isPastDeadline({ deadlineMs, requestedAtMs }: ScoringRequest, nowMs: number): boolean {
  return deadlineMs !== undefined && nowMs > requestedAtMs + deadlineMs;
}
