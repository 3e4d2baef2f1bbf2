import type { PredictionFacts } from '../../domain/joining.js';
import type { OutcomeRecord } from '../../domain/outcome.js';

/** Who says that an outcome which did not come was “no”. */
export const ASSUMED_SOURCE = 'throughline/maturity';

/**
 * The “no” that a model declares where no outcome came within its maturity. It is no statement of anybody: it is not kept among the outcomes, and
 * any statement, whatever its sequence and time, supersedes it.
 *
 * @param atMs event time at which the prediction was mature
 */
export const assumedOutcome = ({ predictionId, requestedAtMs }: Pick<PredictionFacts, 'predictionId' | 'requestedAtMs'>, atMs: number): OutcomeRecord => ({
  subjectId: predictionId, source: ASSUMED_SOURCE, sequence: 0, value: false, occurredAtMs: atMs, observedAtMs: undefined,
  receivedAtMs: Math.max(atMs, requestedAtMs), eventSource: '', eventId: '', coordinates: '', trace: undefined,
});

/** When a prediction is mature, in event time. */
export const matureAtMs = ({ occurredAtMs }: Pick<PredictionFacts, 'occurredAtMs'>, maturitySeconds: number): number => occurredAtMs + maturitySeconds * 1000;
