import type { OutcomeRecord } from './outcome.js';
import type { PredictionFacts } from './joining.js';

/**
 * When the outcome's span starts: when it became true. In a replay of old events that lies before the question was asked, on another
 * clock than the rest of the trace; then the moment at which Kafka received it stands in. Epoch milliseconds.
 */
export function outcomeSpanStartMs({ requestedAtMs }: Pick<PredictionFacts, 'requestedAtMs'>, { occurredAtMs, receivedAtMs }: Pick<OutcomeRecord, 'occurredAtMs' | 'receivedAtMs'>): number {
  return occurredAtMs >= requestedAtMs && occurredAtMs <= receivedAtMs ? occurredAtMs : receivedAtMs;
}
