import { ATTEMPT_HEADER, ContractError, type ErrorCode, type WireMessage } from '@throughline/contracts';
import type { OutgoingMessage } from './port.js';
import { toTopic } from './topics.js';

/** The only consumer group that a replayed message is meant for; every other one skips it. */
export const REPLAY_GROUP_HEADER = 'throughline-replay-group';

/** What a dead letter says of itself; the value is the original message's bytes. */
export const DEAD_LETTER_HEADERS = {
  code: 'dead-letter-code',
  reason: 'dead-letter-reason',
  attempts: 'dead-letter-attempts',
  group: 'dead-letter-group',
  topic: 'dead-letter-topic',
  partition: 'dead-letter-partition',
  offset: 'dead-letter-offset',
  timestampMs: 'dead-letter-timestamp-ms',
  /** The original had no key; the dead letter is keyed by its coordinates. */
  noKey: 'dead-letter-no-key',
  /** The original had no value. */
  noValue: 'dead-letter-no-value',
  /** The original's key, value and headers were too large for a dead letter; its coordinates say where they are. This is the value's size. */
  leftOutBytes: 'dead-letter-left-out-bytes',
} as const;
/** Precedes the name of every original header. */
export const ORIGINAL_HEADER_PREFIX = 'original-';
const REASON_MAX_CHARACTERS = 2_000;

export interface DeadLetter {
  readonly code: ErrorCode;
  readonly reason: string;
  /** Times the message was handed over before it was given up. */
  readonly attempts: number;
  /** Consumer group that failed, without the installation's prefix. */
  readonly group: string;
  readonly original: WireMessage;
  /** Present when `original` lacks its key, value (of so many bytes) and headers, because no dead letter could carry them. */
  readonly leftOutBytes?: number;
}

/** The dead letter of a message, ready to send; about as large as the message. */
export function encodeDeadLetter({ code, reason, attempts, group, original }: DeadLetter): OutgoingMessage {
  const headers: Record<string, string | Buffer> = {
    [DEAD_LETTER_HEADERS.code]: code,
    [DEAD_LETTER_HEADERS.reason]: reason.slice(0, REASON_MAX_CHARACTERS),
    [DEAD_LETTER_HEADERS.attempts]: String(attempts),
    [DEAD_LETTER_HEADERS.group]: group,
    [DEAD_LETTER_HEADERS.topic]: original.topic,
    [DEAD_LETTER_HEADERS.partition]: String(original.partition),
    [DEAD_LETTER_HEADERS.offset]: original.offset,
    [DEAD_LETTER_HEADERS.timestampMs]: String(original.timestampMs),
  };
  if (original.key === null) headers[DEAD_LETTER_HEADERS.noKey] = 'true';
  if (original.value === null) headers[DEAD_LETTER_HEADERS.noValue] = 'true';
  for (const [name, value] of Object.entries(original.headers)) {
    if (value !== undefined) headers[`${ORIGINAL_HEADER_PREFIX}${name}`] = value;
  }
  const traceparent = original.headers['traceparent'];
  if (traceparent !== undefined) headers['traceparent'] = traceparent;
  return { topic: 'dead-letter.v1', key: original.key ?? `${original.partition}/${original.offset}`, value: original.value ?? '', headers };
}

/**
 * The dead letter of a message that is too large to be carried by another one: what was wrong with it and where it is, without its key, value
 * and headers. Its topic keeps those for as long as it keeps anything.
 */
export function encodeDeadLetterWithoutOriginal(letter: DeadLetter): OutgoingMessage {
  const { value } = letter.original;
  const message = encodeDeadLetter({ ...letter, original: { ...letter.original, key: null, value: null, headers: {} } });
  return { ...message, headers: { ...message.headers, [DEAD_LETTER_HEADERS.leftOutBytes]: String(value?.length ?? 0) } };
}

/** Reads a message of `dead-letter.v1`; `undefined` when it is not one that a consumer of ours wrote. */
export function decodeDeadLetter(message: WireMessage): DeadLetter | undefined {
  const text = (name: string): string | undefined => message.headers[name]?.toString();
  const topic = text(DEAD_LETTER_HEADERS.topic);
  const code = text(DEAD_LETTER_HEADERS.code);
  const group = text(DEAD_LETTER_HEADERS.group);
  if (topic === undefined || code === undefined || group === undefined) return undefined;
  const headers: Record<string, Buffer | string | undefined> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (name.startsWith(ORIGINAL_HEADER_PREFIX)) headers[name.slice(ORIGINAL_HEADER_PREFIX.length)] = value;
  }
  const leftOut = text(DEAD_LETTER_HEADERS.leftOutBytes);
  return {
    ...(leftOut === undefined ? {} : { leftOutBytes: Number(leftOut) }),
    code: code as ErrorCode,
    group,
    reason: text(DEAD_LETTER_HEADERS.reason) ?? '',
    attempts: Number(text(DEAD_LETTER_HEADERS.attempts) ?? 0),
    original: {
      topic,
      headers,
      partition: Number(text(DEAD_LETTER_HEADERS.partition) ?? 0),
      offset: text(DEAD_LETTER_HEADERS.offset) ?? '0',
      timestampMs: Number(text(DEAD_LETTER_HEADERS.timestampMs) ?? 0),
      key: text(DEAD_LETTER_HEADERS.noKey) === undefined ? message.key : null,
      value: text(DEAD_LETTER_HEADERS.noValue) === undefined ? message.value : null,
    },
  };
}

/**
 * The original once more, for the group that failed only, one attempt higher.
 *
 * @throws ContractError `invalid_request` when the dead letter could not carry the original, or names a topic that cannot be ours
 */
export function replayOf({ original, group, leftOutBytes }: DeadLetter): OutgoingMessage {
  if (leftOutBytes !== undefined)
    throw new ContractError(
      'invalid_request',
      `the dead letter of ${original.topic}/${original.partition}/${original.offset} does not hold its ${leftOutBytes} bytes`,
    );
  const headers: Record<string, string | Buffer> = {};
  for (const [name, value] of Object.entries(original.headers)) if (value !== undefined) headers[name] = value;
  headers[ATTEMPT_HEADER] = String((Number(original.headers[ATTEMPT_HEADER]?.toString() ?? 0) || 0) + 1);
  headers[REPLAY_GROUP_HEADER] = group;
  return { topic: toTopic(original.topic), key: original.key ?? `${original.partition}/${original.offset}`, value: original.value, headers };
}
