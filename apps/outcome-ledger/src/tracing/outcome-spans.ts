import { ATTRIBUTES, childContext, derivedSpanId, derivedTraceId, SPANS, type SpanLink, type SpanRecord, type TraceContext } from '@throughline/telemetry';
import type { Names } from '@throughline/bus';
import type { Join } from '../domain/joining.js';
import { outcomeSpanStartMs } from '../domain/outcome-span.js';
import { consumed } from './prediction-spans.js';
import { scoringContext } from './traced-row.js';
import type { Stretch } from './domain/timeline.js';

const GROUP = 'outcome-ledger';

export interface OutcomeStanding {
  readonly join: Join;
  /** In the prediction's trace, or in one of its own. */
  readonly stands: 'prediction_trace' | 'own_trace';
  /** The ledger's transaction; absent when the span is told anew, which makes it a moment. */
  readonly took?: Stretch;
  /** Another statement holds. */
  readonly superseded?: boolean;
  readonly reconstructed?: boolean;
}

const scoringOf = ({ facts }: Join): TraceContext => scoringContext(facts.predictionId, facts.trace);
const statementOf = ({ facts, outcome }: Join): string[] => [scoringOf({ facts } as Join).spanId, SPANS.outcome, outcome.source, String(outcome.sequence)];

/** Ids of an outcome's span: they follow from what it says, so that it is the same span however often it is told. */
export function outcomeContext(join: Join, stands: OutcomeStanding['stands']): { readonly context: TraceContext; readonly parentSpanId: string | undefined } {
  const scoring = scoringOf(join);
  const publisher = join.outcome.trace;
  const spanId = derivedSpanId(...statementOf(join));
  if (stands === 'prediction_trace') return { context: childContext(scoring, spanId), parentSpanId: scoring.spanId };
  // Below its publisher's span, if that is there to be seen.
  if (publisher?.sampled === true) return { context: childContext(publisher, spanId), parentSpanId: publisher.spanId };
  return { context: { traceId: derivedTraceId(...statementOf(join)), spanId, sampled: true }, parentSpanId: undefined };
}

/**
 * The outcome: in the prediction's own trace a child of the scoring, at its true time, with a link to its publisher; in a trace of its own,
 * for backends that dislike what is old, when Kafka received it, with a link to the scoring.
 */
export function outcomeSpan({ join, stands, took, superseded, reconstructed }: OutcomeStanding): SpanRecord {
  const { context, parentSpanId } = outcomeContext(join, stands);
  const isInPredictionTrace = stands === 'prediction_trace';
  const startMs = isInPredictionTrace ? outcomeSpanStartMs(join.facts, join.outcome) : join.outcome.receivedAtMs;
  const publisher = join.outcome.trace;
  const links = [...(isInPredictionTrace ? [] : linkTo(scoringOf(join))), ...(publisher === undefined || publisher.spanId === parentSpanId ? [] : linkTo(publisher))];
  return {
    name: SPANS.outcome, kind: 'consumer', context, parentSpanId, startMs, endMs: startMs + (took === undefined ? 0 : took.endMs - took.startMs), links, force: true,
    attributes: { ...outcomeAttributes(join), ...(superseded === true ? { [ATTRIBUTES.outcomeSuperseded]: true } : {}), ...(reconstructed === true ? { [ATTRIBUTES.reconstructed]: true } : {}) },
  };
}

/** The ledger's handling of the outcome's message, in the trace of whoever published it; with a link to the outcome's span, or to the scoring where that has none. */
export function publisherSpan(join: Join, stands: OutcomeStanding['stands'] | undefined, took: Stretch, names: Names): SpanRecord | undefined {
  const publisher = join.outcome.trace;
  if (publisher?.sampled !== true) return undefined;
  const { coordinates } = join.outcome;
  const told = stands === undefined ? scoringOf(join) : outcomeContext(join, stands).context;
  return {
    ...consumed(coordinates, GROUP, names, outcomeAttributes(join)), context: childContext(publisher, derivedSpanId(publisher.spanId, coordinates)), parentSpanId: publisher.spanId,
    ...took, links: linkTo(told),
  };
}

const linkTo = ({ traceId, spanId }: TraceContext): SpanLink[] => [{ traceId, spanId }];

const outcomeAttributes = ({ facts, outcome, delaySeconds, correct, error, correction, assumed, valueMicroUsd }: Join): NonNullable<SpanRecord['attributes']> => ({
  [ATTRIBUTES.predictionId]: facts.predictionId,
  [ATTRIBUTES.model]: facts.model,
  [ATTRIBUTES.modelVersion]: facts.version,
  [ATTRIBUTES.role]: facts.role,
  [ATTRIBUTES.outcomeSource]: outcome.source,
  [ATTRIBUTES.outcomeDelaySeconds]: delaySeconds,
  ...(correct === undefined ? {} : { [ATTRIBUTES.outcomeCorrect]: correct }),
  ...(error === undefined ? {} : { [ATTRIBUTES.outcomeError]: error }),
  ...(valueMicroUsd === undefined ? {} : { [ATTRIBUTES.outcomeValueMicroUsd]: valueMicroUsd }),
  ...(assumed ? { [ATTRIBUTES.outcomeAssumed]: true } : {}),
  ...(correction ? { [ATTRIBUTES.outcomeCorrection]: true } : {}),
});
