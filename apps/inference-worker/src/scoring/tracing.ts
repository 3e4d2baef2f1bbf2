import { childContext, formatTraceparent, newSpanId, newTraceId, parseTraceparent } from '@throughline/telemetry';

/** Where an answer stands in its trace. */
export interface AnswerTrace {
  readonly traceparent: string;
  /** Span that asked; absent when the trace begins with the answer. */
  readonly parentSpanId: string | undefined;
}

/**
 * The trace context that an answer announces: the span of its scoring, a child of the request's; without one in the request a trace of
 * its own, sampled by `sampleRatio`.
 */
export function answerTrace(requestTraceparent: string | undefined, sampleRatio: number, random: () => number): AnswerTrace {
  const parent = parseTraceparent(requestTraceparent);
  if (parent !== undefined) return { traceparent: formatTraceparent(childContext(parent, newSpanId())), parentSpanId: parent.spanId };
  return { traceparent: formatTraceparent({ traceId: newTraceId(), spanId: newSpanId(), sampled: random() < sampleRatio }), parentSpanId: undefined };
}
