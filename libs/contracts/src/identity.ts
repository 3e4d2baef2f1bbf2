import { v5 as uuidv5 } from 'uuid';

/** The namespace of all prediction ids. Fixed for ever: other languages and three-week-old ledgers depend on it. */
export const PREDICTION_NAMESPACE = '6f1d5f3e-2c55-5c0a-9b1e-7d1f3a0c5b42';

/**
 * The identity of a prediction: UUIDv5 over the request's CloudEvents source and id (an id alone is unique only within its
 * source), and for row n > 0 of a request with several rows also n.
 *
 * @param source CloudEvents `source`, or the topic's name when the message had no envelope
 * @param id CloudEvents `id`, or `partition/offset` when the message had no envelope
 */
export function predictionId(source: string, id: string, row = 0): string {
  return uuidv5(row === 0 ? `${source}\n${id}` : `${source}\n${id}\n${row}`, PREDICTION_NAMESPACE);
}

/** The identity of a message that carries no envelope. */
export function identityWithoutEnvelope(topic: string, partition: number, offset: string): { source: string; id: string } {
  return { source: topic, id: `${partition}/${offset}` };
}
