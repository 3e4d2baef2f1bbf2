import { ContractError, type ErrorCode, ERRORS } from './errors.js';
import { identityWithoutEnvelope } from './identity.js';
import { TOPICS, type EventData, type EventTopic } from './topics.js';
import { whyInvalid } from './validators.js';

/** A message as any Kafka client hands it over. Header values are bytes or text. */
export interface WireMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Kafka's own timestamp: processing time, epoch milliseconds. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | undefined>>;
}

/** What is known of a message even when its body cannot be read. */
export interface Identity {
  readonly source: string;
  readonly id: string;
}

export interface Event<T extends EventTopic = EventTopic> extends Identity {
  readonly ok: true;
  readonly topic: T;
  /** CloudEvents `time` if given: event time, epoch milliseconds. */
  readonly timeMs: number | undefined;
  readonly traceparent: string | undefined;
  /** Raised only by a dead-letter replay; 0 at first. */
  readonly attempt: number;
  readonly data: EventData<T>;
  readonly message: WireMessage;
}

export interface Undecodable extends Identity {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly cure: string;
  readonly traceparent: string | undefined;
  readonly attempt: number;
  readonly message: WireMessage;
}

export const STRUCTURED_CONTENT_TYPE = 'application/cloudevents+json';
/** Header that a dead-letter replay sets; see docs/identity.md. */
export const ATTEMPT_HEADER = 'throughline-attempt';

/** Reasons become headers and answers: they must not be as long as somebody's message. */
const REASON_QUOTES_MAX = 100;

/** Every answer repeats the identity of its request: an unbounded one would make the answer too large for the brokers. */
const MAX_IDENTITY_LENGTH = 1000;
const isTooLong = (text: string | undefined): boolean => text !== undefined && text.length > MAX_IDENTITY_LENGTH;

interface Envelope extends Partial<Identity> {
  readonly data: unknown;
  readonly time?: string | undefined;
  readonly traceparent?: string | undefined;
}

/**
 * Reads a message in any of the three accepted forms: structured CloudEvents, binary CloudEvents, or a bare JSON body.
 * Never throws: what cannot be read comes back with its code, its reason and an identity to answer under.
 */
export function decodeEvent<T extends EventTopic>(topic: T, message: WireMessage): Event<T> | Undecodable {
  const attempt = attemptOf(message);
  const headerTrace = text(message.headers['traceparent']);
  const fallback = identityWithoutEnvelope(message.topic, message.partition, message.offset);
  const fail = (code: ErrorCode, reason: string, envelope?: Envelope): Undecodable => ({
    ok: false, code, reason, cure: ERRORS[code].cure, attempt, message, traceparent: headerTrace ?? envelope?.traceparent, ...identityOf(envelope, fallback),
  });

  let body: unknown;
  try {
    body = message.value === null ? undefined : JSON.parse(message.value.toString('utf8'));
  } catch {
    // The parser's own message quotes the value, and a reason travels further than its message may.
    return fail('undecodable', 'the value is not JSON', binaryEnvelope(message, undefined));
  }
  if (body === undefined) return fail('undecodable', 'the message has no value', binaryEnvelope(message, undefined));

  const envelope = openEnvelope(message, body);
  const wrongType = envelope.type !== undefined && !isTypeOf(topic, envelope.type);
  if (wrongType) return fail('schema_invalid', `type is "${envelope.type!.slice(0, REASON_QUOTES_MAX)}", expected "${TOPICS[topic].eventType}"`, envelope);
  if (isTooLong(envelope.id) || isTooLong(envelope.source)) {
    return fail('schema_invalid', `id and source may have at most ${MAX_IDENTITY_LENGTH} characters`, { ...envelope, id: undefined, source: undefined });
  }
  const invalid = whyInvalid(topic, envelope.data);
  if (invalid !== undefined) return fail('schema_invalid', invalid, envelope);

  const timeMs = envelope.time === undefined ? undefined : Date.parse(envelope.time);
  if (timeMs !== undefined && Number.isNaN(timeMs)) return fail('schema_invalid', 'time is not an RFC 3339 instant', envelope);
  return {
    ok: true, topic, timeMs, attempt, message, traceparent: headerTrace ?? envelope.traceparent,
    data: envelope.data as EventData<T>, ...identityOf(envelope, fallback),
  };
}

function openEnvelope(message: WireMessage, body: unknown): Envelope & { type?: string | undefined } {
  if (isStructured(message, body)) {
    const { id, source, type, time, traceparent, data } = body as Record<string, unknown>;
    return { id: string(id), source: string(source), type: string(type), time: string(time), traceparent: string(traceparent), data };
  }
  return binaryEnvelope(message, body);
}

function isStructured(message: WireMessage, body: unknown): boolean {
  if (body === null || typeof body !== 'object') return false;
  if (text(message.headers['content-type'])?.startsWith(STRUCTURED_CONTENT_TYPE) === true) return true;
  return 'specversion' in body && 'data' in body && 'id' in body;
}

function binaryEnvelope({ headers }: WireMessage, data: unknown): Envelope & { type?: string | undefined } {
  if (headers['ce_id'] === undefined) return { data };
  return {
    id: text(headers['ce_id']), source: text(headers['ce_source']), type: text(headers['ce_type']),
    time: text(headers['ce_time']), traceparent: text(headers['ce_traceparent']), data,
  };
}

/** An id without a source (or the reverse) is no identity: the message then counts as one without an envelope. */
function identityOf(envelope: Envelope | undefined, fallback: Identity): Identity {
  const { id, source } = envelope ?? {};
  return id !== undefined && id !== '' && source !== undefined && source !== '' ? { id, source } : fallback;
}

function isTypeOf(topic: EventTopic, type: string): boolean {
  const { eventType } = TOPICS[topic];
  return type === eventType || type.startsWith(`${eventType}.v`);
}

/** Anybody can send the header; answers carry it on as an integer, so that anything else counts as absent. */
function attemptOf({ headers }: WireMessage): number {
  const attempt = Number(text(headers[ATTEMPT_HEADER]) ?? 0);
  return Number.isSafeInteger(attempt) && attempt >= 0 ? attempt : 0;
}

const text = (value: Buffer | string | undefined): string | undefined => (value === undefined ? undefined : value.toString());
const string = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export interface EventToSend<T extends EventTopic> {
  readonly id: string;
  /** CloudEvents source, such as `/throughline/inference-worker`. */
  readonly source: string;
  /** Event time, epoch milliseconds. */
  readonly timeMs: number;
  readonly data: EventData<T>;
  readonly traceparent?: string | undefined;
}

/** A message ready for any Kafka client: structured mode with two headers, because headers cost half of an echo loop. */
export interface EncodedEvent {
  readonly value: string;
  readonly headers: Record<string, string>;
}

/**
 * Encodes a structured CloudEvent. Does not validate: our own producers are held to the schema by the type checker and by tests.
 */
export function encodeEvent<T extends EventTopic>(topic: T, event: EventToSend<T>): EncodedEvent {
  const value = JSON.stringify({
    specversion: '1.0', id: event.id, source: event.source, type: TOPICS[topic].eventType,
    time: new Date(event.timeMs).toISOString(), data: event.data,
  });
  const headers: Record<string, string> = { 'content-type': STRUCTURED_CONTENT_TYPE };
  if (event.traceparent !== undefined) headers['traceparent'] = event.traceparent;
  return { value, headers };
}

/** Throws what `decodeEvent` returns, for callers who have one message and no other plan. */
export function decodeOrThrow<T extends EventTopic>(topic: T, message: WireMessage): Event<T> {
  const decoded = decodeEvent(topic, message);
  if (decoded.ok) return decoded;
  throw new ContractError(decoded.code, decoded.reason);
}

/** Event time of an event: what its data says, else the envelope's time, else Kafka's timestamp. Epoch milliseconds. */
export function eventTimeMs(event: { timeMs: number | undefined; data: { occurredAt?: string | undefined }; message: WireMessage }): number {
  if (event.data.occurredAt !== undefined) return Date.parse(event.data.occurredAt);
  return event.timeMs ?? event.message.timestampMs;
}
