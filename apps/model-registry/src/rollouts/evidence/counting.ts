import type { ErrorCode, OutcomeJoined, PredictionRejected, PredictionScored, PredictionShadowed, StageTimings } from '@throughline/contracts';
import type { Arm, Measure } from '../domain/evidence.js';
import { bounded, clusterOf, type Additions } from './additions.js';
import type { FindStep, Reading, StepContext } from './context.js';
import { judge, measuresOf, outcomeNumber, type Judged } from './losses.js';
import type { Contribution, Word } from './words.js';

type Keyed = { readonly routingKey?: string | undefined; readonly requestId: string };
const clusterOfEvent = ({ routingKey, requestId }: Keyed): number => clusterOf(routingKey ?? requestId);

/** Rejections that say something about the version, or about what it costs to run it. All others are the request's own fault. */
const FAULTS: ReadonlySet<string> = new Set<ErrorCode>([
  // A version that needs what nobody sends and the store does not have is at fault; of what a request lacks for any version both arms have their part.
  'feature_missing', 'model_failed', 'circuit_open', 'model_not_ready', 'deadline_exceeded', 'overloaded', 'message_too_large', 'internal',
]);
const isFault = (code: string): boolean => FAULTS.has(code) || code.startsWith('artifact_');

/** What is counted of an event: its step, and how it is added. A prediction counts once for each rollout and stream. */
export interface Countable {
  readonly predictionId: string;
  readonly stream: 'answer' | 'shadow';
  readonly context: StepContext;
  readonly add: (to: Additions) => void;
}

/** An answer that was given. A fallback's counts as the error of the version that should have answered, and as nobody's score. */
export function scoredAnswer(event: PredictionScored, find: FindStep): Countable | undefined {
  const { model, version, role, assignmentRevision, score, timingsMs, fallback } = event;
  const context = find(model, assignmentRevision);
  if (context === undefined) return undefined;
  const arm = armOf(context, fallback === undefined ? version : fallback.insteadOf, role);
  if (arm === undefined) return undefined;
  return {
    predictionId: event.predictionId, stream: 'answer', context,
    add: (to) => {
      addAnswer(to, context, arm, event, { error: fallback !== undefined, fallback: fallback !== undefined });
      if (fallback !== undefined) return;
      addLatency(to, context, arm, timingsMs);
      if (score !== undefined) addScore(to, context, arm, event, score);
    },
  };
}

/** The answer “no”, where the version is to blame, or its time: a candidate that is too slow loses deadlines and fills queues. */
export function rejectedAnswer(event: PredictionRejected, find: FindStep): Countable | undefined {
  const { model, version, role, assignmentRevision, code } = event;
  if (model === undefined || role === undefined || assignmentRevision === undefined || !isFault(code)) return undefined;
  const context = find(model, assignmentRevision);
  const arm = context === undefined ? undefined : armOf(context, version, role);
  if (context === undefined || arm === undefined) return undefined;
  return { predictionId: event.predictionId, stream: 'answer', context, add: (to) => addAnswer(to, context, arm, event, { error: true, fallback: false }) };
}

/** What the candidate would have said as a shadow, and how that compares with what the champion said. */
export function shadowedAnswer(event: PredictionShadowed, find: FindStep): Countable | undefined {
  const { model, version, assignmentRevision, score, timingsMs, fallback, answered, failed } = event;
  const context = find(model, assignmentRevision);
  if (context === undefined || context.strategy !== 'shadow' || version !== context.candidate) return undefined;
  if (failed !== undefined && !isFault(failed.code)) return undefined;
  return {
    predictionId: event.predictionId, stream: 'shadow', context,
    add: (to) => {
      addAnswer(to, context, 'candidate', event, { error: fallback !== undefined || failed !== undefined, fallback: fallback !== undefined });
      if (fallback !== undefined || failed !== undefined) return;
      addLatency(to, context, 'candidate', timingsMs);
      if (score === undefined) return;
      addScore(to, context, 'candidate', event, score);
      if (answered?.score !== undefined && answered.version === context.champion) addComparison(to, context, event, score, answered.score);
    },
  };
}

/**
 * Who answers for it: the candidate under its number, the champion under its role. `pinned` answers and other challengers stand outside.
 *
 * @param version that answered or should have; where nobody knows, the role decides
 */
function armOf({ candidate }: StepContext, version: string | undefined, role: string): Arm | undefined {
  if (role === 'pinned') return undefined;
  if (version === candidate) return 'candidate';
  if (role === 'champion') return 'champion';
  return version === undefined && role === 'challenger' ? 'candidate' : undefined;
}

function addAnswer(to: Additions, context: StepContext, arm: Arm, event: Keyed, is: { error: boolean; fallback: boolean }): void {
  const cluster = clusterOfEvent(event);
  to.addValue(context, arm, 'error', cluster, Number(is.error));
  to.addValue(context, arm, 'fallback', cluster, Number(is.fallback));
}

/**
 * Milliseconds that the version itself is to blame for. On the way to the worker a request waits behind others of its partition, whoever answers them: a slow
 * candidate makes the champion's requests as late as its own, so that from request to answer both look alike. A shadow runs when nothing else has to: of it, and
 * of the champion beside it, only the run counts.
 */
function addLatency(to: Additions, context: StepContext, arm: Arm, { transport = 0, total, preprocess = 0, inference }: StageTimings): void {
  const ownMs = context.strategy === 'shadow' ? inference && preprocess + inference : total && total - transport;
  if (ownMs !== undefined) to.addToBin(context, arm, 'latency', ownMs);
}

function addScore(to: Additions, context: StepContext, arm: Arm, event: Keyed, score: number): void {
  to.addToBin(context, arm, 'score', score);
  to.addValue(context, arm, 'score', clusterOfEvent(event), score);
}

function addComparison(to: Additions, context: StepContext, event: PredictionShadowed, candidateScore: number, championScore: number): void {
  const cluster = clusterOfEvent(event);
  const difference = candidateScore - championScore;
  const decisionsDiffer = differ(decide(context.readings.candidate, candidateScore), decide(context.readings.champion, championScore));
  to.addToBin(context, 'candidate', 'score_difference', difference);
  to.addValue(context, 'candidate', 'score_difference', cluster, difference);
  to.addValue(context, 'candidate', 'absolute_score_difference', cluster, Math.abs(difference));
  if (decisionsDiffer !== undefined) to.addValue(context, 'candidate', 'disagreement', cluster, Number(decisionsDiffer));
  const { predictionId, entities, occurredAt } = event;
  to.disagreements.push({ rolloutId: context.rolloutId, step: context.step, predictionId, championScore, candidateScore, difference, decisionsDiffer, entities, occurredAt });
}

const decide = ({ threshold }: Reading, score: number): boolean | undefined => (threshold === undefined ? undefined : score >= threshold);
const differ = (a: boolean | undefined, b: boolean | undefined): boolean | undefined => (a === undefined || b === undefined ? undefined : a !== b);

/** What is told of a prediction: what its outcome says of the version that answered, and of the shadows beside it. */
export function joinedWord(event: OutcomeJoined, find: FindStep): Word {
  const { predictionId, revision, correction } = event;
  const saying = (outcome: number): Contribution[] => [...contributionOfAnswer(event, outcome, find), ...contributionsOfShadows(event, outcome, find)];
  // No loss is defined for text.
  const outcome = outcomeNumber(event.outcome);
  return { predictionId, revision, correction, saying, added: outcome === undefined ? [] : saying(outcome) };
}

/** An outcome of a fallback's answer, or of one that was asked for by its version, judges nobody. */
const judgesNobody = ({ role, fallback }: OutcomeJoined): boolean => role === 'pinned' || fallback !== undefined;

function contributionOfAnswer(event: OutcomeJoined, outcome: number, find: FindStep): Contribution[] {
  const context = find(event.model, event.assignmentRevision);
  const arm = context === undefined || judgesNobody(event) ? undefined : armOf(context, event.version, event.role);
  if (context === undefined || arm === undefined) return [];
  return [contribution(event, 'answer', context, arm, amountsOf(context, event, judge(event.score, outcome, context.readings[arm], context.outcome)))];
}

function contributionsOfShadows(event: OutcomeJoined, outcome: number, find: FindStep): Contribution[] {
  if (judgesNobody(event)) return [];
  const judged = new Map<string, Contribution>();
  for (const { version, assignmentRevision, score } of event.shadows ?? []) {
    const context = find(event.model, assignmentRevision);
    if (context === undefined || context.strategy !== 'shadow' || version !== context.candidate || judged.has(context.rolloutId)) continue;
    judged.set(context.rolloutId, contribution(event, 'shadow', context, 'candidate', amountsOfPair(context, event, score, outcome)));
  }
  return [...judged.values()];
}

type Amounts = readonly (readonly [Measure, number])[];

const contribution = (event: OutcomeJoined, stream: Contribution['stream'], { rolloutId, step }: StepContext, arm: Arm, amounts: Amounts): Contribution => (
  { stream, rolloutId, step, arm, cluster: clusterOfEvent(event), amounts: Object.fromEntries(amounts.map(([measure, value]) => [measure, bounded(value)])) });

function amountsOf(context: StepContext, event: OutcomeJoined, judged: Judged): Amounts {
  const loss = judged.losses[context.loss];
  const ofSegments: Amounts = loss === undefined ? [] : segmentsOf(context, event).map((name) => [`quality/${name}`, loss]);
  return [['outcome', 1], ...measuresOf(judged), ...ofSegments];
}

/** The shadow's own losses, and where the champion answered the differences. */
function amountsOfPair(context: StepContext, event: OutcomeJoined, shadowScore: number | undefined, outcome: number): Amounts {
  const candidate = judge(shadowScore, outcome, context.readings.candidate, context.outcome);
  const own = amountsOf(context, event, candidate);
  if (event.version !== context.champion) return own;
  const champion = judge(event.score, outcome, context.readings.champion, context.outcome);
  const loss = difference(candidate.losses[context.loss], champion.losses[context.loss]);
  const value = difference(candidate.valueMicroUsd, champion.valueMicroUsd);
  const ofLoss: Amounts = loss === undefined ? [] : [['loss_difference', loss], ...segmentsOf(context, event).map((name) => [`loss_difference/${name}`, loss] as const)];
  return [...own, ...ofLoss, ...(value === undefined ? [] : [['value_difference', value] as const])];
}

const difference = (ours: number | undefined, theirs: number | undefined): number | undefined => (ours === undefined || theirs === undefined ? undefined : bounded(ours) - bounded(theirs));

const segmentsOf = ({ segments }: StepContext, { entities }: OutcomeJoined): string[] =>
  entities === undefined ? [] : segments.filter(({ entityRole, entityIds }) => entities[entityRole] !== undefined && entityIds.includes(entities[entityRole])).map(({ name }) => name);
