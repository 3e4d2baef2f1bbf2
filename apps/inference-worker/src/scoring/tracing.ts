import { childContext, formatTraceparent, newSpanId, newTraceId, parseTraceparent } from '@throughline/telemetry';

/**
 * The trace context that an answer announces: the span of its scoring, a child of the request's; without one in the request a trace of
 * its own, sampled by `sampleRatio`.
 */
export function answerTraceparent(requestTraceparent: string | undefined, sampleRatio: number, random: () => number): string {
  const parent = parseTraceparent(requestTraceparent);
  if (parent !== undefined) return formatTraceparent(childContext(parent, newSpanId()));
  return formatTraceparent({ traceId: newTraceId(), spanId: newSpanId(), sampled: random() < sampleRatio });
}
