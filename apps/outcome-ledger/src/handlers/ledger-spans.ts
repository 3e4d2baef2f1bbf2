import type { Names } from '@throughline/bus';
import type { TopicName } from '@throughline/contracts';
import { ATTRIBUTES, childContext, messagingAttributes, newSpanId, recordSpan, SPANS, spansEnabled, type SpanRecord, type TraceContext } from '@throughline/telemetry';
import type { Join } from '../domain/joining.js';
import { outcomeSpanStartMs } from '../domain/outcome-span.js';
import type { PredictionRecord } from '../domain/prediction.js';

interface Took {
  readonly startMs: number;
  readonly endMs: number;
}

/** The ledger's part in traces. */
export class LedgerSpans {
  constructor(
    private readonly group: string,
    private readonly names: Names,
  ) {}

  /** Answers that were written down, each in its prediction's trace. */
  recorded(records: readonly PredictionRecord[], took: Took): void {
    if (!spansEnabled()) return;
    for (const { trace, predictionId, state, answerCoordinates } of records) {
      if (trace?.sampled === true) this.processed(answerCoordinates, trace, took, { [ATTRIBUTES.predictionId]: predictionId, [ATTRIBUTES.state]: state });
    }
  }

  /**
   * Each join as a span in the prediction's own trace, a child of the scoring span, and one in the trace of whoever published the outcome;
   * the two link to each other, and either stands alone once the other's trace is gone.
   */
  outcomes(joins: readonly Join[], took: Took): void {
    if (!spansEnabled()) return;
    for (const join of joins) this.outcome(join, took);
  }

  private outcome(join: Join, took: Took): void {
    const { facts, outcome } = join;
    const scoring = facts.trace;
    const publisher = outcome.trace;
    const told = scoring?.sampled === true ? childContext(scoring, newSpanId()) : undefined;
    const attributes = attributesOf(join);
    if (told !== undefined) {
      const startMs = outcomeSpanStartMs(facts, outcome);
      recordSpan({ name: SPANS.outcome, kind: 'consumer', context: told, parentSpanId: scoring!.spanId, startMs, endMs: startMs + took.endMs - took.startMs, attributes, links: linkTo(publisher) });
    }
    // Without spans of its own the prediction's trace is still known by the id of its scoring.
    if (publisher !== undefined) this.processed(outcome.coordinates, publisher, took, attributes, linkTo(told ?? scoring));
  }

  private processed(coordinates: string, parent: TraceContext, took: Took, attributes: SpanRecord['attributes'], links: SpanRecord['links'] = []): void {
    const [topic, partition, offset] = coordinates.split('/') as [TopicName, string, string];
    const onBroker = this.names.topic(topic);
    const messaging = messagingAttributes('process', onBroker, { partition: Number(partition), offset, group: this.names.group(this.group, topic) });
    recordSpan({ name: SPANS.process(onBroker), kind: 'consumer', context: childContext(parent, newSpanId()), parentSpanId: parent.spanId, ...took, attributes: { ...messaging, ...attributes }, links });
  }
}

const linkTo = (context: TraceContext | undefined): { traceId: string; spanId: string }[] => (context === undefined ? [] : [{ traceId: context.traceId, spanId: context.spanId }]);

const attributesOf = ({ facts, outcome, delaySeconds, correct, error }: Join): NonNullable<SpanRecord['attributes']> => ({
  [ATTRIBUTES.predictionId]: facts.predictionId,
  [ATTRIBUTES.model]: facts.model,
  [ATTRIBUTES.modelVersion]: facts.version,
  [ATTRIBUTES.role]: facts.role,
  [ATTRIBUTES.outcomeSource]: outcome.source,
  [ATTRIBUTES.outcomeDelaySeconds]: delaySeconds,
  ...(correct === undefined ? {} : { [ATTRIBUTES.outcomeCorrect]: correct }),
  ...(error === undefined ? {} : { [ATTRIBUTES.outcomeError]: error }),
});
