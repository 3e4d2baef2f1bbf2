import { isPositive, truthNumber, valueMicroUsd, type OutcomeReading } from '../../outcomes/domain/declaration.js';
import type { OutcomeValue } from '../../domain/outcome.js';

/** What rewards are measured in; higher is better but for the error. */
export type Measure = 'value_micro_usd' | 'correct' | 'squared_error';

/** A score and how it is read. */
export interface ReadScore {
  readonly score: number;
  readonly reading: OutcomeReading;
}

/** One prediction of the past with what the candidate says of it. */
export interface JudgedRow {
  readonly cluster: number;
  readonly revision: number;
  readonly version: string;
  readonly role: string;
  readonly isFallback: boolean;
  readonly propensity: number | undefined;
  /** `undefined` where the answer has no score. */
  readonly served: ReadScore | undefined;
  /** Or why there is none. */
  readonly candidate: ReadScore | 'feature_missing' | 'withheld' | 'erased' | 'model_failed';
  /** `undefined` while no outcome is known. */
  readonly truth: OutcomeValue | undefined;
  /** What the decision was worth by the declaration of its time. */
  readonly recordedValueMicroUsd: number | undefined;
}

/** Score at or above the threshold is a positive decision; `undefined` of what takes no decisions. */
export const decisionOf = ({ score, reading: { threshold } }: ReadScore): boolean | undefined => (threshold === undefined ? undefined : score >= threshold);

/** What rewards of a candidate are measured in: money where the model declares it, else whether decisions are right, else how far scores are off. */
export function measureFor({ task, threshold, declared }: OutcomeReading): Measure {
  const isJudged = threshold !== undefined && (task === 'binary_classification' || declared?.declaration.positiveFrom !== undefined);
  if (!isJudged) return 'squared_error';
  return declared?.declaration.valueMicroUsd === undefined ? 'correct' : 'value_micro_usd';
}

/** The reward of a score once the truth is known; `undefined` where it has none in this measure. */
export function rewardOf(read: ReadScore, truth: OutcomeValue, measure: Measure): number | undefined {
  if (measure === 'value_micro_usd') return valueMicroUsd(read.reading, read.score, truth);
  const target = targetOf(read.reading, truth);
  if (target === undefined) return undefined;
  if (measure === 'squared_error') return (read.score - target) ** 2;
  const [decision, positive] = [decisionOf(read), isPositive(read.reading, truth)];
  return decision === undefined || positive === undefined ? undefined : Number(decision === positive);
}

/** What a score should have been: 1 or 0 of a classifier, else the outcome. */
export function targetOf(reading: OutcomeReading, truth: OutcomeValue): number | undefined {
  if (reading.task !== 'binary_classification') return truthNumber(truth);
  const positive = isPositive(reading, truth);
  return positive === undefined ? undefined : Number(positive);
}
