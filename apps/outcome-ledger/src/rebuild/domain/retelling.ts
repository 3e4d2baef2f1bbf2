import { joinEventId, joinNow, rejudgedEventId, type Join, type JoinedRef, type PredictionFacts, type Reading } from '../../domain/joining.js';
import type { OutcomeRecord, OutcomeValue } from '../../domain/outcome.js';

/** A join as consumers were last told of it. */
export interface ToldJoin {
  readonly ref: JoinedRef;
  /** How the id of the event went on, where it was not the join's own. */
  readonly toldAs: string | undefined;
  readonly correction: boolean;
  readonly truth: OutcomeValue;
  /** The value as it was sent. */
  readonly observed: OutcomeValue;
  readonly occurredAtMs: number;
  readonly delaySeconds: number;
  readonly error: number | undefined;
  readonly correct: boolean | undefined;
  readonly valueMicroUsd: number | undefined;
}

export interface Retelling {
  readonly join: Join;
  readonly eventId: string;
  /** The declaration of today judges it otherwise than consumers were told: it is told as a correction, and written down. */
  readonly isChanged: boolean;
  /** How the event's id goes on after the join's own. */
  readonly toldAs: string | undefined;
}

/**
 * What is told of a prediction when its period is told again: what was told before, under the same id, or a correction where the model's declaration of
 * today judges it otherwise. `undefined` when nothing that was said of it counts any more; consumers keep what they were told.
 *
 * @param isErased its values were removed: what it was judged by is no longer there, and the judgement stays
 */
export function retell(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], told: ToldJoin, isErased: boolean): Retelling | undefined {
  const now = isErased ? asTold(facts, told) : joinNow(facts, reading, outcomes, told.ref);
  if (now === undefined) return undefined;
  if (isErased || isSame(now, told)) {
    const join = asTold(facts, told);
    return { join, isChanged: false, toldAs: told.toldAs, eventId: `${joinEventId(join)}${told.toldAs ?? ''}` };
  }
  const join = { ...now, correction: true };
  const eventId = rejudgedEventId(join, reading?.declared?.revision ?? 0);
  return { join, isChanged: true, eventId, toldAs: eventId.slice(joinEventId(join).length) };
}

const isSame = (now: Join, told: ToldJoin): boolean =>
  now.outcome.source === told.ref.source && now.outcome.sequence === told.ref.sequence && now.facts.attempt === told.ref.attempt && now.assumed === (told.ref.assumedAtMs !== undefined) &&
  now.truth === told.truth && now.error === told.error && now.correct === told.correct && now.valueMicroUsd === told.valueMicroUsd;

function asTold(facts: PredictionFacts, told: ToldJoin): Join {
  const { ref, truth, correction, delaySeconds, error, correct, valueMicroUsd } = told;
  const outcome: OutcomeRecord = {
    subjectId: facts.predictionId, source: ref.source, sequence: ref.sequence, value: told.observed, occurredAtMs: told.occurredAtMs, observedAtMs: undefined,
    receivedAtMs: told.occurredAtMs, eventSource: '', eventId: '', coordinates: '', trace: undefined,
  };
  return { facts, outcome, truth, assumed: ref.assumedAtMs !== undefined, correction, revision: ref.revision, delaySeconds, error, correct, valueMicroUsd };
}
