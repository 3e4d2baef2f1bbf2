import { ATTRIBUTES, childContext, messagingAttributes, newSpanId, recordSpan, SPANS, spansEnabled } from '@throughline/telemetry';
import type { Join } from '../domain/joining.js';
import { outcomeSpanStartMs } from '../domain/outcome-span.js';
import type { PredictionRecord } from '../domain/prediction.js';

interface Took {
  readonly startMs: number;
  readonly endMs: number;
}

/** The ledger's part in the traces of sampled predictions. */
export function recordLedgerSpans(topic: string, records: readonly PredictionRecord[], took: Took): void {
  if (!spansEnabled()) return;
  for (const { trace, predictionId, state, answerCoordinates } of records) {
    if (trace?.sampled !== true) continue;
    const [, partition, offset] = answerCoordinates.split('/') as [string, string, string];
    recordSpan({
      name: SPANS.process(topic), kind: 'consumer', context: childContext(trace, newSpanId()), parentSpanId: trace.spanId, ...took,
      attributes: { ...messagingAttributes('process', topic, { partition: Number(partition), offset, group: 'outcome-ledger' }), [ATTRIBUTES.predictionId]: predictionId, [ATTRIBUTES.state]: state },
    });
  }
}

/**
 * Each join as a span in the prediction's own trace, a child of the scoring span, and one in the trace of whoever published the outcome;
 * the two link to each other, and either stands alone once the other's trace is gone.
 */
export function recordOutcomeSpans(joins: readonly Join[], took: Took): void {
  if (!spansEnabled()) return;
  for (const join of joins) recordOutcomeSpan(join, took);
}

function recordOutcomeSpan({ facts, outcome, delaySeconds, correct, error }: Join, took: Took): void {
  const inPrediction = facts.trace === undefined ? undefined : childContext(facts.trace, newSpanId());
  const inPublisher = outcome.trace === undefined ? undefined : childContext(outcome.trace, newSpanId());
  const attributes = {
    [ATTRIBUTES.predictionId]: facts.predictionId, [ATTRIBUTES.model]: facts.model, [ATTRIBUTES.modelVersion]: facts.version, [ATTRIBUTES.role]: facts.role,
    [ATTRIBUTES.outcomeSource]: outcome.source, [ATTRIBUTES.outcomeDelaySeconds]: delaySeconds,
    ...(correct === undefined ? {} : { [ATTRIBUTES.outcomeCorrect]: correct }), ...(error === undefined ? {} : { [ATTRIBUTES.outcomeError]: error }),
  };
  if (inPrediction !== undefined && facts.trace !== undefined) {
    const startMs = outcomeSpanStartMs(facts, outcome);
    const links = outcome.trace === undefined ? [] : [{ traceId: outcome.trace.traceId, spanId: outcome.trace.spanId }];
    recordSpan({ name: SPANS.outcome, kind: 'consumer', context: inPrediction, parentSpanId: facts.trace.spanId, startMs, endMs: startMs + took.endMs - took.startMs, attributes, links });
  }
  if (inPublisher !== undefined && outcome.trace !== undefined) {
    const [topic, partition, offset] = outcome.coordinates.split('/') as [string, string, string];
    const links = inPrediction === undefined ? [] : [{ traceId: inPrediction.traceId, spanId: inPrediction.spanId }];
    const messaging = messagingAttributes('process', topic, { partition: Number(partition), offset, group: 'outcome-ledger' });
    recordSpan({ name: SPANS.process(topic), kind: 'consumer', context: inPublisher, parentSpanId: outcome.trace.spanId, ...took, attributes: { ...messaging, ...attributes }, links });
  }
}
