import { counter, histogram, METRICS } from '@throughline/telemetry';
import type { Join } from '../domain/joining.js';
import type { OutcomeReport } from '../store/outcome-store.js';
import type { RecordReport } from '../store/prediction-store.js';

const predictions = counter(METRICS.ledgerPredictions);
const outcomes = counter(METRICS.ledgerOutcomes);
const delaySeconds = histogram(METRICS.outcomeDelaySeconds);

export function countPredictions({ recorded, duplicates, joins }: RecordReport): void {
  predictions.add(recorded.length, { result: 'recorded' });
  predictions.add(duplicates, { result: 'duplicate' });
  countJoins(joins);
}

export function countOutcomes({ appended, duplicates, waiting, expired, misfits, joins }: OutcomeReport): void {
  outcomes.add(duplicates, { result: 'duplicate' });
  outcomes.add(waiting, { result: 'waiting' });
  outcomes.add(expired, { result: 'expired' });
  outcomes.add(misfits.length, { result: 'wrong_type' });
  // What was kept, did not wait and changed nothing was overtaken by a later statement.
  outcomes.add(Math.max(0, appended - waiting - expired - joins.length), { result: 'superseded' });
  countJoins(joins);
}

export function countJoins(joins: readonly Join[]): void {
  for (const { facts, delaySeconds: delay, correction, assumed } of joins) {
    outcomes.add(1, { result: assumed ? 'assumed' : correction ? 'corrected' : 'joined' });
    if (!correction && !assumed) delaySeconds.record(Math.max(0, delay), { model: facts.model });
  }
}
