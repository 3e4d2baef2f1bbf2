import type { OutcomeJoined } from '@throughline/contracts';
import { effectiveOutcome, misfit, outcomeNumber, type OutcomeRecord, type Task } from './outcome.js';
import type { PredictionRecord, TraceRef } from './prediction.js';

/** What a join needs of a scored prediction. Times are epoch milliseconds. */
export interface PredictionFacts {
  readonly predictionId: string;
  readonly day: string;
  readonly attempt: number;
  readonly requestSource: string;
  readonly requestId: string;
  readonly model: string;
  readonly version: string;
  readonly role: string;
  readonly lane: string;
  readonly team?: string | undefined;
  readonly assignmentRevision: number;
  readonly routingKey: string | undefined;
  readonly entities: Readonly<Record<string, string>> | undefined;
  readonly score: number | undefined;
  readonly occurredAtMs: number;
  readonly requestedAtMs: number;
  readonly fallback: string | undefined;
  readonly trace: TraceRef | undefined;
}

/** How a version's score and outcomes are to be read; as its deployment said. */
export interface Reading {
  readonly task: Task;
  /** A score at or above it is a positive decision. */
  readonly threshold: number | undefined;
}

/** What a shadow said of the same request. */
export interface ShadowFacts {
  readonly version: string;
  readonly assignmentRevision: number;
  readonly score: number | undefined;
  /** Of the shadow's own version. */
  readonly reading: Reading | undefined;
}

/** Which outcome a prediction was last joined with. */
export interface JoinedRef {
  readonly source: string;
  readonly sequence: number;
  readonly attempt: number;
  /** What the decision was worth by that outcome. */
  readonly valueMicroUsd?: number | undefined;
}

export interface Join {
  readonly facts: PredictionFacts;
  readonly outcome: OutcomeRecord;
  /** It supersedes what consumers were told before. */
  readonly correction: boolean;
  /** Outcome's minus prediction's event time; negative when the truth was there before the question. */
  readonly delaySeconds: number;
  /** Score minus outcome, as numbers. */
  readonly error: number | undefined;
  /** For decisions (binary, with a threshold): whether the decision was right. */
  readonly correct: boolean | undefined;
  /** What the decision was worth, in millionths of a dollar, as the model declares it. */
  readonly valueMicroUsd?: number | undefined;
}

export interface JoinDecision {
  /** What has to be told; `undefined` when the outcome that holds has been told already. */
  readonly join: Join | undefined;
  /** Outcomes that came before the prediction and turn out to have the wrong type. */
  readonly misfits: readonly { outcome: OutcomeRecord; reason: string }[];
}

/**
 * The one decision about a prediction and everything said about it, whichever came first. Depends only on what is known, not on the
 * order in which it arrived, so both sides of the join, duplicates and corrections in any order end in the same state.
 */
export function decideJoin(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], told: JoinedRef | undefined): JoinDecision {
  const judged = outcomes.map((outcome) => ({ outcome, reason: misfit(reading?.task, outcome.value) }));
  const misfits = judged.flatMap(({ outcome, reason }) => (reason === undefined ? [] : [{ outcome, reason }]));
  const effective = effectiveOutcome(judged.flatMap(({ outcome, reason }) => (reason === undefined ? [outcome] : [])));
  if (effective === undefined || isTold(effective, facts, told)) return { join: undefined, misfits };
  return { join: joinOf(facts, reading, effective, told !== undefined), misfits };
}

const isTold = (outcome: OutcomeRecord, { attempt }: PredictionFacts, told: JoinedRef | undefined): boolean =>
  told !== undefined && told.source === outcome.source && told.sequence === outcome.sequence && told.attempt === attempt;

function joinOf(facts: PredictionFacts, reading: Reading | undefined, outcome: OutcomeRecord, correction: boolean): Join {
  return { facts, outcome, correction, delaySeconds: (outcome.occurredAtMs - facts.occurredAtMs) / 1000, ...judged(facts.score, reading, outcome) };
}

function judged(score: number | undefined, reading: Reading | undefined, outcome: OutcomeRecord): Pick<Join, 'error' | 'correct'> {
  const truth = outcomeNumber(outcome.value);
  const threshold = reading?.task === 'binary_classification' ? reading.threshold : undefined;
  return {
    error: score === undefined || truth === undefined ? undefined : score - truth,
    correct: score === undefined || truth === undefined || threshold === undefined ? undefined : score >= threshold === (truth === 1),
  };
}

/** The join that consumers were told of, for a shadow that came after it; it supersedes what they know. `undefined` when another one is due, or none. */
export function joinAsTold(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], told: JoinedRef): Join | undefined {
  const outcome = outcomes.find((one) => isTold(one, facts, told));
  return outcome === undefined ? undefined : joinOf(facts, reading, outcome, true);
}

/** Identity of the `outcome.joined` event: the same join, told twice after a crash, is recognisable. */
export const joinEventId = ({ facts, outcome }: Join): string => `${facts.predictionId}/${outcome.source}/${outcome.sequence}/${facts.attempt}`;

/** The same for a join that is told anew with so many shadows. */
export const retoldEventId = (join: Join, shadows: number): string => `${joinEventId(join)}/shadows/${shadows}`;

export function joinEventData({ facts, outcome, correction, delaySeconds, error, correct }: Join, shadows: readonly ShadowFacts[] = []): OutcomeJoined {
  return {
    predictionId: facts.predictionId, requestSource: facts.requestSource, requestId: facts.requestId, model: facts.model, version: facts.version,
    role: facts.role as OutcomeJoined['role'], lane: facts.lane as OutcomeJoined['lane'], assignmentRevision: facts.assignmentRevision,
    ...(facts.routingKey === undefined ? {} : { routingKey: facts.routingKey }), ...(facts.entities === undefined ? {} : { entities: facts.entities }),
    ...(facts.score === undefined ? {} : { score: facts.score }), outcome: outcome.value, outcomeSource: outcome.source, sequence: outcome.sequence, correction,
    predictedFor: iso(facts.occurredAtMs), requestedAt: iso(facts.requestedAtMs), outcomeOccurredAt: iso(outcome.occurredAtMs), delaySeconds,
    ...(error === undefined ? {} : { error }), ...(correct === undefined ? {} : { correct }), ...(facts.fallback === undefined ? {} : { fallback: facts.fallback }),
    ...(shadows.length === 0 ? {} : { shadows: shadows.map((shadow) => shadowData(shadow, outcome)) }),
  };
}

function shadowData({ version, assignmentRevision, score, reading }: ShadowFacts, outcome: OutcomeRecord): NonNullable<OutcomeJoined['shadows']>[number] {
  const { error, correct } = judged(score, reading, outcome);
  return { version, assignmentRevision, ...(score === undefined ? {} : { score }), ...(error === undefined ? {} : { error }), ...(correct === undefined ? {} : { correct }) };
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

/** The facts of a prediction that is being written; `undefined` for a rejected one, which no outcome can judge. */
export function factsOf({ answer, version, ...record }: PredictionRecord): PredictionFacts | undefined {
  if (answer === undefined || version === undefined) return undefined;
  return { ...record, version, role: answer.role, assignmentRevision: answer.assignmentRevision, score: answer.score, fallback: answer.fallback?.kind };
}
