import type { Names } from '@throughline/bus';
import { ATTRIBUTES, childContext, derivedSpanId, recordSpan, spansEnabled } from '@throughline/telemetry';
import type { Join } from '../domain/joining.js';
import type { PredictionRecord } from '../domain/prediction.js';
import type { Stretch } from '../tracing/domain/timeline.js';
import type { OutcomeTraces } from '../tracing/outcome-traces.js';
import { consumed } from '../tracing/prediction-spans.js';

/** The ledger's part in traces. */
export class LedgerSpans {
  constructor(
    private readonly group: string,
    private readonly names: Names,
    private readonly traces: Pick<OutcomeTraces, 'tell'>,
  ) {}

  /** Answers that were written down, each in its prediction's trace. */
  recorded(records: readonly PredictionRecord[], took: Stretch): void {
    if (!spansEnabled()) return;
    for (const { trace, predictionId, state, answerCoordinates } of records) {
      if (trace?.sampled !== true) continue;
      const attributes = { [ATTRIBUTES.predictionId]: predictionId, [ATTRIBUTES.state]: state };
      const context = childContext(trace, derivedSpanId(trace.spanId, answerCoordinates));
      recordSpan({ ...consumed(answerCoordinates, this.group, this.names, attributes), context, parentSpanId: trace.spanId, ...took });
    }
  }

  /** What outcomes make of traces, once they are joined. */
  outcomes(joins: readonly Join[], took: Stretch): void {
    if (spansEnabled()) this.traces.tell(joins, took);
  }
}
