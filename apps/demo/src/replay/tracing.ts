import { ATTRIBUTES, formatTraceparent, messagingAttributes, newSpanId, newTraceId, recordSpan, SPANS, type TraceContext } from '@throughline/telemetry';

/** One prediction in so many has its spans recorded as it happens; of the others the ledger keeps the trace id and all that spans are made of. */
const SAMPLED_ONE_IN = 100;

/** A new trace. Which predictions are sampled follows from their id: request and outcome agree without telling each other. */
export function traceOf(predictionId: string): TraceContext {
  return { traceId: newTraceId(), spanId: newSpanId(), sampled: Number.parseInt(predictionId.slice(0, 8), 16) % SAMPLED_ONE_IN === 0 };
}

export const headerOf = formatTraceparent;

/** The sending, as the first span of a trace. `topic` is the name on the broker. */
export function recordSend(trace: TraceContext, topic: string, predictionId: string, took: { startMs: number; endMs: number }): void {
  const attributes = { ...messagingAttributes('send', topic), [ATTRIBUTES.predictionId]: predictionId };
  recordSpan({ name: SPANS.send(topic), kind: 'producer', context: trace, ...took, attributes });
}
