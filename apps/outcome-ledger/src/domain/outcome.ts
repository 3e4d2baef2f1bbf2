import type { ModelSignature, OutcomeObserved } from '@throughline/contracts';
import { ContractError } from '@throughline/contracts';
import { predictionId } from '@throughline/contracts';
import { canonicalId, coordinatesOf, exact, instant, type TraceRef } from './prediction.js';
import { correlationOf, type Correlation } from './correlation.js';
import type { Event } from '@throughline/contracts';

export type OutcomeValue = OutcomeObserved['value'];
export type Task = ModelSignature['task'];

/** One statement of the truth. Times are epoch milliseconds. */
export interface OutcomeRecord {
  /** The prediction it is about; while that is unknown, the id of its correlation. */
  readonly subjectId: string;
  readonly source: string;
  readonly sequence: number;
  readonly value: OutcomeValue;
  readonly occurredAtMs: number;
  readonly observedAtMs: number | undefined;
  /** Kafka's timestamp of the message. */
  readonly receivedAtMs: number;
  readonly eventSource: string;
  readonly eventId: string;
  readonly coordinates: string;
  readonly trace: TraceRef | undefined;
}

/** An outcome together with how it names its prediction. */
export interface NamedOutcome {
  readonly outcome: OutcomeRecord;
  /** Present when the sender knows neither the prediction's id nor the request's. */
  readonly correlation: Correlation | undefined;
}

/** Longer text would not fit into what is told of the join, and the prediction it is about would pay for that. */
const MAX_TEXT_CHARACTERS = 10_000;

/** @throws ContractError `schema_invalid` when it names no prediction, or an instant is none, `value_forbidden` when the value is too long, or a year or the sequence is nothing that the ledger can hold */
export function outcomeOf(event: Event<'outcome.observed.v1'>, trace: TraceRef | undefined): NamedOutcome {
  const { data, message } = event;
  if (typeof data.value === 'string' && data.value.length > MAX_TEXT_CHARACTERS) {
    throw new ContractError('value_forbidden', `data.value has ${data.value.length} characters, more than ${MAX_TEXT_CHARACTERS}`);
  }
  const correlation = namesRequest(data) || data.correlationKey === undefined ? undefined : correlationOf(data.correlationKey, data.source);
  const outcome: OutcomeRecord = {
    subjectId: correlation?.correlationId ?? namedPrediction(data), source: data.source, sequence: exact(data.sequence, 'sequence'), value: data.value,
    occurredAtMs: instant(data.occurredAt, 'occurredAt'), observedAtMs: data.observedAt === undefined ? undefined : instant(data.observedAt, 'observedAt'),
    receivedAtMs: message.timestampMs, eventSource: event.source, eventId: event.id, coordinates: coordinatesOf(message), trace,
  };
  return { outcome, correlation };
}

const namesRequest = (data: OutcomeObserved): boolean => data.predictionId !== undefined || (data.requestSource !== undefined && data.requestId !== undefined);

function namedPrediction(data: OutcomeObserved): string {
  if (data.predictionId !== undefined) return canonicalId(data.predictionId);
  if (data.requestSource !== undefined && data.requestId !== undefined) return predictionId(data.requestSource, data.requestId);
  throw new ContractError('schema_invalid', 'data names no prediction: give predictionId, or requestSource and requestId, or correlationKey');
}

/**
 * The outcome that holds, of all that were said about one prediction, in any order: within a source the highest sequence; of
 * several sources the one that observed last (by `observedAt`, else `occurredAt`), and at the same instant the one whose name sorts last.
 */
export function effectiveOutcome(outcomes: readonly OutcomeRecord[]): OutcomeRecord | undefined {
  const bySource = new Map<string, OutcomeRecord>();
  for (const outcome of outcomes) {
    const known = bySource.get(outcome.source);
    if (known === undefined || outcome.sequence > known.sequence) bySource.set(outcome.source, outcome);
  }
  return [...bySource.values()].reduce<OutcomeRecord | undefined>((best, one) => (best === undefined || isLater(one, best) ? one : best), undefined);
}

function isLater(a: OutcomeRecord, b: OutcomeRecord): boolean {
  const difference = (a.observedAtMs ?? a.occurredAtMs) - (b.observedAtMs ?? b.occurredAtMs);
  return difference === 0 ? a.source > b.source : difference > 0;
}
