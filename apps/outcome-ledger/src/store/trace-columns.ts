import type { TraceRef } from '../domain/prediction.js';

export interface TraceColumns {
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly sampled: boolean | null;
}

export const traceOf = ({ trace_id, span_id, sampled }: TraceColumns): TraceRef | undefined =>
  trace_id === null || span_id === null ? undefined : { traceId: trace_id, spanId: span_id, sampled: sampled === true };
