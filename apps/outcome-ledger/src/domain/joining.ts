import type { OutcomeJoined } from '@throughline/contracts';
import { assumedOutcome } from '../outcomes/domain/assumption.js';
import { judge, truthNumber, valueMicroUsd, type Judgement, type OutcomeReading } from '../outcomes/domain/declaration.js';
import { effectiveOutcome, type OutcomeRecord, type OutcomeValue } from './outcome.js';
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
  /** Estimate of what computing the answer cost. */
  readonly costMicroUsd?: number | undefined;
  /** Chance that this version answered, while several shared the traffic. */
  readonly propensity?: number | undefined;
  readonly trace: TraceRef | undefined;
}

/** How a version's score and outcomes are to be read; as deployments said. */
export type Reading = OutcomeReading;

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
  /** Of an outcome that was assumed, because none came: when, in event time; epoch milliseconds. */
  readonly assumedAtMs?: number | undefined;
  /** What the decision was worth by that outcome. */
  readonly valueMicroUsd?: number | undefined;
  /** Which word on the prediction that was; absent from those before there were numbers. */
  readonly revision?: number | undefined;
}

export interface Join {
  readonly facts: PredictionFacts;
  readonly outcome: OutcomeRecord;
  /** What the outcome says, as the model declares it. */
  readonly truth: OutcomeValue;
  /** None came, and the model declares what that means. */
  readonly assumed: boolean;
  /** It supersedes what consumers were told before. */
  readonly correction: boolean;
  /** Which word on the prediction it is, from 0: who is told in another order knows by it what holds. */
  readonly revision: number | undefined;
  /** Outcome's minus prediction's event time; negative when the truth was there before the question. */
  readonly delaySeconds: number;
  /** Score minus outcome, as numbers. */
  readonly error: number | undefined;
  /** For decisions (binary, with a threshold): whether the decision was right. */
  readonly correct: boolean | undefined;
  /** What the decision was worth, in millionths of a dollar, as the model declares it. */
  readonly valueMicroUsd: number | undefined;
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
 *
 * @param matureAtMs event time at which the prediction's maturity ended without an outcome, where the model declares what that means
 * @param toldRevision of the last word on it, where that join is gone: consumers still have it
 */
export function decideJoin(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], told: JoinedRef | undefined, matureAtMs?: number, toldRevision?: number): JoinDecision {
  const { holding, misfits } = holdingOf(facts, reading, outcomes, told === undefined ? matureAtMs : told.assumedAtMs);
  if (holding === undefined || isTold(holding, facts, told)) return { join: undefined, misfits };
  return { join: joinOf(facts, reading, holding, told === undefined ? toldRevision : revisionOf(told)), misfits };
}

/** The outcome that holds, as it is judged. */
type Holding = Pick<Join, 'outcome' | 'truth' | 'assumed'>;

function holdingOf(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], assumedAtMs: number | undefined): { holding: Holding | undefined; misfits: JoinDecision['misfits'] } {
  const truths = new Map<OutcomeRecord, OutcomeValue>();
  const misfits: { outcome: OutcomeRecord; reason: string }[] = [];
  for (const outcome of outcomes) {
    const { truth, misfit } = judgeOutcome(facts, reading, outcome);
    if (misfit === undefined) truths.set(outcome, truth);
    else misfits.push({ outcome, reason: misfit });
  }
  const outcome = effectiveOutcome([...truths.keys()]);
  if (outcome !== undefined) return { holding: { outcome, truth: truths.get(outcome)!, assumed: false }, misfits };
  return { holding: assumedAtMs === undefined ? undefined : { outcome: assumedOutcome(facts, assumedAtMs), truth: false, assumed: true }, misfits };
}

/** What an outcome says of a prediction, or why it cannot be said of it. */
export const judgeOutcome = (facts: PredictionFacts, reading: Reading | undefined, outcome: OutcomeRecord): Judgement =>
  judge(reading, { value: outcome.value, source: outcome.source, delaySeconds: delayOf(facts, outcome) });

const delayOf = (facts: PredictionFacts, outcome: OutcomeRecord): number => (outcome.occurredAtMs - facts.occurredAtMs) / 1000;

const isTold = ({ outcome, assumed }: Pick<Join, 'outcome' | 'assumed'>, { attempt }: PredictionFacts, told: JoinedRef | undefined): boolean =>
  told !== undefined && told.source === outcome.source && told.sequence === outcome.sequence && told.attempt === attempt && (told.assumedAtMs !== undefined) === assumed;

/** What supersedes a word from before there were numbers has the number 1. */
export const revisionOf = ({ revision = 0 }: JoinedRef): number => revision;

/** @param toldRevision of the word that it supersedes */
function joinOf(facts: PredictionFacts, reading: Reading | undefined, { outcome, truth, assumed }: Holding, toldRevision: number | undefined): Join {
  return {
    facts, outcome, truth, assumed, correction: toldRevision !== undefined, revision: toldRevision === undefined ? 0 : toldRevision + 1, delaySeconds: delayOf(facts, outcome),
    ...judged(facts.score, reading, truth), valueMicroUsd: valueMicroUsd(reading, facts.score, truth),
  };
}

function judged(score: number | undefined, reading: Reading | undefined, declaredTruth: OutcomeValue): Pick<Join, 'error' | 'correct'> {
  const truth = truthNumber(declaredTruth);
  const threshold = reading?.task === 'binary_classification' ? reading.threshold : undefined;
  return {
    error: score === undefined || truth === undefined ? undefined : score - truth,
    correct: score === undefined || truth === undefined || threshold === undefined ? undefined : score >= threshold === (truth === 1),
  };
}

/** The join that consumers were told of, for a shadow that came after it; it supersedes what they know. `undefined` when another one is due, or none. */
export function joinAsTold(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], told: JoinedRef): Join | undefined {
  const join = joinNow(facts, reading, outcomes, told);
  return join !== undefined && isTold(join, facts, told) ? { ...join, revision: told.revision } : undefined;
}

/**
 * The join of a prediction under the declaration of today, told or not; for who tells a period again. What was assumed stays assumed until somebody
 * says something. `undefined` when nothing is known that counts.
 */
export function joinNow(facts: PredictionFacts, reading: Reading | undefined, outcomes: readonly OutcomeRecord[], told: JoinedRef | undefined): Join | undefined {
  const { holding } = holdingOf(facts, reading, outcomes, told?.assumedAtMs);
  return holding === undefined ? undefined : joinOf(facts, reading, holding, told && revisionOf(told));
}

/** Identity of the `outcome.joined` event: the same join, told twice after a crash, is recognisable. */
export const joinEventId = ({ facts, outcome, assumed }: Pick<Join, 'facts' | 'outcome' | 'assumed'>): string =>
  assumed ? `${facts.predictionId}/assumed/${facts.attempt}` : `${facts.predictionId}/${outcome.source}/${outcome.sequence}/${facts.attempt}`;

/** The same for a join that a later declaration of the model, that of this revision, judges otherwise. */
export const rejudgedEventId = (join: Join, declarationRevision: number): string => `${joinEventId(join)}/declared/${declarationRevision}`;

/** The same for a join that is told anew with so many shadows. */
export const retoldEventId = (join: Join, shadows: number): string => `${joinEventId(join)}/shadows/${shadows}`;

export function joinEventData(join: Join, shadows: readonly ShadowFacts[] = []): OutcomeJoined {
  const { facts, outcome, truth, assumed, correction, delaySeconds, error, correct } = join;
  return {
    predictionId: facts.predictionId, requestSource: facts.requestSource, requestId: facts.requestId, model: facts.model, version: facts.version,
    role: facts.role as OutcomeJoined['role'], lane: facts.lane as OutcomeJoined['lane'], assignmentRevision: facts.assignmentRevision,
    ...(facts.routingKey === undefined ? {} : { routingKey: facts.routingKey }), ...(facts.entities === undefined ? {} : { entities: facts.entities }),
    ...(facts.score === undefined ? {} : { score: facts.score }), outcome: truth, outcomeSource: outcome.source, sequence: outcome.sequence, correction, ...(join.revision === undefined ? {} : { revision: join.revision }),
    predictedFor: iso(facts.occurredAtMs), requestedAt: iso(facts.requestedAtMs), outcomeOccurredAt: iso(outcome.occurredAtMs), delaySeconds,
    ...(error === undefined ? {} : { error }), ...(correct === undefined ? {} : { correct }), ...(facts.fallback === undefined ? {} : { fallback: facts.fallback }),
    ...(truth === outcome.value ? {} : { observed: outcome.value }), ...(assumed ? { assumed } : {}),
    ...(join.valueMicroUsd === undefined ? {} : { valueMicroUsd: join.valueMicroUsd }), ...(facts.propensity === undefined ? {} : { propensity: facts.propensity }),
    ...(shadows.length === 0 ? {} : { shadows: shadows.map((shadow) => shadowData(shadow, join)) }),
  };
}

/** Every version reads the same outcome in its own way. */
function shadowData({ version, assignmentRevision, score, reading }: ShadowFacts, { facts, outcome, assumed }: Join): NonNullable<OutcomeJoined['shadows']>[number] {
  const truth = assumed ? false : judgeOutcome(facts, reading, outcome).truth;
  const { error, correct } = truth === undefined ? {} : judged(score, reading, truth);
  return { version, assignmentRevision, ...(score === undefined ? {} : { score }), ...(error === undefined ? {} : { error }), ...(correct === undefined ? {} : { correct }) };
}

const iso = (epochMs: number): string => new Date(epochMs).toISOString();

/** The facts of a prediction that is being written; `undefined` for a rejected one, which no outcome can judge. */
export function factsOf({ answer, version, ...record }: PredictionRecord): PredictionFacts | undefined {
  if (answer === undefined || version === undefined) return undefined;
  return { ...record, version, role: answer.role, assignmentRevision: answer.assignmentRevision, score: answer.score, fallback: answer.fallback?.kind, costMicroUsd: answer.costMicroUsd, propensity: answer.propensity };
}
