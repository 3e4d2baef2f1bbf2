import { TOPICS } from '@throughline/contracts';

/** Where a message is on Kafka. Offsets stay below 2^53. */
export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** What the books say of a topic's messages: that requests were answered, that answers were recorded, that outcomes were taken in. */
export type TopicKind = 'requests' | 'answers' | 'outcomes';

export const ANSWER_TOPICS = ['prediction.scored.v1', 'prediction.rejected.v1'] as const;
export const OUTCOME_TOPICS = ['outcome.observed.v1'] as const;
/** By what they say: the ledger reads their offsets, never their messages. */
export const REQUEST_TOPICS = Object.entries(TOPICS).flatMap(([name, { eventType }]) => (eventType === 'prediction.requested' ? [name] : []));

/** Rows of requests that came over HTTP, and of those whose place on Kafka is none of a request. */
export const OVER_HTTP = 'http';
export const ELSEWHERE = 'elsewhere';

const isOrExtends = (topic: string, bases: readonly string[]): boolean => bases.some((base) => topic === base || topic.startsWith(`${base}.`));

/** What the books keep of a topic; `undefined` for one that they do not. Topics of somebody's own say what the one they extend says. */
export function kindOf(topic: string): TopicKind | undefined {
  if (isOrExtends(topic, REQUEST_TOPICS)) return 'requests';
  if (isOrExtends(topic, ANSWER_TOPICS)) return 'answers';
  return isOrExtends(topic, OUTCOME_TOPICS) ? 'outcomes' : undefined;
}

const COORDINATES = /^([a-z0-9._-]{1,249})\/(\d{1,9})\/(\d{1,15})$/i;

/** The place that `topic/partition/offset` names; `undefined` when it is none, or on a topic without books: whoever publishes answers may claim anything. */
export function placeOf(coordinates: string | undefined): Place | undefined {
  const [, topic, partition, offset] = coordinates?.match(COORDINATES) ?? [];
  if (topic === undefined || kindOf(topic) === undefined) return undefined;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

/** Under which topic a row of the ledger stands in the books. */
export function topicOfRow(coordinates: string | null | undefined): string {
  if (coordinates === undefined || coordinates === null) return OVER_HTTP;
  const [topic = ''] = coordinates.split('/', 1);
  const kind = kindOf(topic);
  return kind === 'requests' || kind === 'outcomes' ? topic : ELSEWHERE;
}

export const HOUR_MS = 3_600_000;
/** Beginning of the hour that an instant is in. */
export const hourOf = (epochMs: number): number => Math.floor(epochMs / HOUR_MS) * HOUR_MS;
