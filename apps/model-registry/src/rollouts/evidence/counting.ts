import type { ErrorCode, OutcomeJoined, PredictionRejected, PredictionScored, PredictionShadowed, StageTimings } from '@throughline/contracts';
import type { Arm } from '../domain/evidence.js';
import { clusterOf, type Additions } from './additions.js';
import type { FindStep, Reading, StepContext } from './context.js';
import { judge, measuresOf, outcomeNumber, type Judged } from './losses.js';

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

/** What an outcome adds once its value is given: the same function takes back what an earlier value had added. */
export interface CountableOutcome {
  readonly predictionId: string;
  readonly stream: 'answer' | 'shadow';
  readonly context: StepContext;
  /** Absent for text, which no loss is defined for. */
  readonly outcome: number | undefined;
  readonly add: (to: Additions, outcome: number, times: 1 | -1) => void;
}

/** What an outcome says of those who answered its request: the version that did, and the shadows beside it. */
export function joinedOutcomes(event: OutcomeJoined, find: FindStep): CountableOutcome[] {
  const { predictionId, model, version, role, assignmentRevision, score, fallback, shadows = [] } = event;
  if (role === 'pinned' || fallback !== undefined) return [];
  const outcome = outcomeNumber(event.outcome);
  const found: CountableOutcome[] = [];
  const own = find(model, assignmentRevision);
  const arm = own === undefined ? undefined : armOf(own, version, role);
  if (own !== undefined && arm !== undefined) {
    const add: CountableOutcome['add'] = (to, value, times) => addOutcome(to, own, arm, event, judge(score, value, own.readings[arm], own.outcome), times);
    found.push({ predictionId, stream: 'answer', context: own, outcome, add });
  }
  for (const shadow of shadows) {
    const context = find(model, shadow.assignmentRevision);
    if (context === undefined || context.strategy !== 'shadow' || shadow.version !== context.candidate) continue;
    found.push({ predictionId, stream: 'shadow', context, outcome, add: (to, value, times) => addPair(to, context, event, shadow.score, value, times) });
  }
  return found;
}

function addOutcome(to: Additions, context: StepContext, arm: Arm, event: OutcomeJoined, judged: Judged, times: 1 | -1): void {
  const cluster = clusterOfEvent(event);
  to.addValue(context, arm, 'outcome', cluster, 1, times);
  for (const [measure, value] of measuresOf(judged)) to.addValue(context, arm, measure, cluster, value, times);
  const loss = judged.losses[context.loss];
  if (loss === undefined) return;
  for (const name of segmentsOf(context, event)) to.addValue(context, arm, `quality/${name}`, cluster, loss, times);
}

/** The shadow's own losses, and where the champion answered the differences. */
function addPair(to: Additions, context: StepContext, event: OutcomeJoined, shadowScore: number | undefined, outcome: number, times: 1 | -1): void {
  const cluster = clusterOfEvent(event);
  const candidate = judge(shadowScore, outcome, context.readings.candidate, context.outcome);
  addOutcome(to, context, 'candidate', event, candidate, times);
  if (event.version !== context.champion) return;
  const champion = judge(event.score, outcome, context.readings.champion, context.outcome);
  const [ours, theirs] = [candidate.losses[context.loss], champion.losses[context.loss]];
  if (ours !== undefined && theirs !== undefined) {
    to.addValue(context, 'candidate', 'loss_difference', cluster, ours - theirs, times);
    for (const name of segmentsOf(context, event)) to.addValue(context, 'candidate', `loss_difference/${name}`, cluster, ours - theirs, times);
  }
  if (candidate.valueMicroUsd !== undefined && champion.valueMicroUsd !== undefined) {
    to.addValue(context, 'candidate', 'value_difference', cluster, candidate.valueMicroUsd - champion.valueMicroUsd, times);
  }
}

const segmentsOf = ({ segments }: StepContext, { entities }: OutcomeJoined): string[] =>
  entities === undefined ? [] : segments.filter(({ entityRole, entityIds }) => entities[entityRole] !== undefined && entityIds.includes(entities[entityRole])).map(({ name }) => name);
