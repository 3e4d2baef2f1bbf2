import type { Assignment } from '../../domain/deployment.js';
import type { RolloutSpec, Step } from './spec.js';
import type { Verdict } from './verdict.js';

export type Status = 'warming' | 'running' | 'paused' | 'promoted' | 'finished' | 'rolled_back' | 'aborted';

/** The state of a rollout. Step 0 is the warming; step n > 0 is `spec.steps[n - 1]`. */
export interface Rollout {
  readonly id: string;
  readonly model: string;
  /** Who was champion when it began. */
  readonly champion: number;
  readonly spec: RolloutSpec;
  /** The assignment it began from, and goes back to. */
  readonly base: Assignment;
  readonly status: Status;
  readonly step: number;
  readonly stepStartedAtMs: number;
  readonly startedAtMs: number;
  /** Evaluations in a row that found a breach. */
  readonly breaches: number;
  /** What the last evaluation had to go by: with nothing new there is nothing to evaluate. */
  readonly judgedSamples: number;
  readonly judgedAtMs: number | undefined;
}

/** What is known of the candidate on the workers. */
export interface Warmth {
  readonly waiting: readonly string[];
  readonly warm: readonly string[];
  readonly failed: readonly { readonly worker: string; readonly code: string; readonly reason: string }[];
  /** What workers have said has not been read to its end. */
  readonly isUnread?: boolean;
}

export interface Observation {
  readonly nowMs: number;
  readonly warmth: Warmth;
  /** Of the candidate in this step. */
  readonly predictions: number;
  readonly outcomes: number;
  /** Of the champion in this step. */
  readonly championAnswers: number;
  /** All that any guard counts, over all steps. */
  readonly samples: number;
  /** Present when an evaluation is due. */
  readonly verdicts: readonly Verdict[] | undefined;
  /** Whether everything that had been published when we looked has been counted. */
  readonly isCaughtUp: boolean;
  /** Of an A/B or shadow that is over: whether the candidate's outcomes are better, as far as the interval tells. */
  readonly isBetter: boolean;
}

export type Decision =
  | { readonly kind: 'none' }
  /** The guards were asked: what is remembered of that. */
  | { readonly kind: 'judged'; readonly breaches: number }
  | { readonly kind: 'advance'; readonly step: number; readonly reason: string }
  | { readonly kind: 'promote'; readonly reason: string }
  | { readonly kind: 'finish'; readonly reason: string }
  | { readonly kind: 'roll_back'; readonly cause: 'guard' | 'artifact' | 'time'; readonly reason: string; readonly breached: readonly Verdict[] };

/** Without traffic a blue-green rollout waits no longer for figures of the champion to hold the candidate against. */
const BASELINE_WAIT_MS = 60_000;

/** A candidate that has not come up everywhere by then will not: a worker hangs, has no room, or says nothing. Nobody was answered by it yet, so that taking it back costs nothing. */
export const WARMING_LIMIT_MS = 15 * 60_000;

const NONE: Decision = { kind: 'none' };

export const isActive = ({ status }: Pick<Rollout, 'status'>): boolean => status === 'warming' || status === 'running' || status === 'paused';

/** Whether the guards are to be asked again. */
export function isEvaluationDue({ status, spec, step, judgedAtMs, judgedSamples }: Rollout, samples: number, nowMs: number): boolean {
  if (status === 'warming' || step === 0 || samples <= judgedSamples) return false;
  const sinceMs = nowMs - (judgedAtMs ?? -Infinity);
  // Below 0 the clock was set back: that must not keep the guards from looking.
  return sinceMs < 0 || sinceMs >= spec.evaluateEverySeconds * 1000;
}

/** What happens next to an active rollout; the guards come first, also while it is paused. */
export function decide(rollout: Rollout, seen: Observation): Decision {
  if (rollout.status === 'warming') return decideWarming(rollout, seen);
  const failed = seen.warmth.failed[0];
  if (failed !== undefined && seen.warmth.warm.length === 0) return artifactFailed(rollout, seen);
  if (seen.verdicts !== undefined) {
    const breached = seen.verdicts.filter(({ state }) => state === 'breached');
    const breaches = breached.length === 0 ? 0 : rollout.breaches + 1;
    if (breaches >= rollout.spec.consecutiveBreaches) return { kind: 'roll_back', cause: 'guard', reason: breached.map(({ says }) => says).join(' '), breached };
    // A breach is looked at again before anything moves on.
    if (breaches > 0 || rollout.breaches > 0) return { kind: 'judged', breaches };
  }
  // Without anything new to look at a breach would stay a suspicion for ever; at the end the guards are asked once more.
  const isSuspect = rollout.breaches > 0 && !isOverdue(rollout, seen.nowMs);
  if (rollout.status === 'paused' || isSuspect || !seen.isCaughtUp) return judged(seen, rollout.breaches);
  const decision = decideProgress(rollout, seen);
  return decision.kind === 'none' ? judged(seen, rollout.breaches) : decision;
}

const judged = ({ verdicts }: Observation, breaches: number): Decision => (verdicts === undefined ? NONE : { kind: 'judged', breaches });

function decideWarming(rollout: Rollout, seen: Observation): Decision {
  const { spec, stepStartedAtMs } = rollout;
  if (seen.warmth.failed.length > 0) return artifactFailed(rollout, seen);
  if (isOverdue(rollout, seen.nowMs)) return neverWarm(seen.warmth, spec.endsAfterSeconds!);
  if (seen.warmth.waiting.length > 0 || seen.warmth.warm.length === 0) {
    const isTooLate = seen.nowMs - stepStartedAtMs >= WARMING_LIMIT_MS && seen.warmth.isUnread !== true;
    return isTooLate ? neverWarm(seen.warmth, WARMING_LIMIT_MS / 1000) : NONE;
  }
  const wanted = Math.max(0, ...spec.guards.map(({ minSamples }) => minSamples));
  const needsBaseline = spec.strategy === 'blue_green' && seen.championAnswers < wanted && seen.nowMs - stepStartedAtMs < BASELINE_WAIT_MS;
  if (needsBaseline) return NONE;
  return { kind: 'advance', step: 1, reason: `the candidate is warm on ${workers(seen.warmth.warm.length)}` };
}

function neverWarm({ waiting, warm }: Warmth, seconds: number): Decision {
  const nobody = 'no worker has said what it holds (serving.reported.v1): none runs, or they are of an earlier release';
  const found = waiting.length > 0 ? `${workers(warm.length)} had the candidate warm, and not ${waiting.slice(0, NAMED).join(', ')}${waiting.length > NAMED ? ', …' : ''}` : nobody;
  return { kind: 'roll_back', cause: 'time', reason: `after ${seconds} s of warming ${found}`, breached: [] };
}

function artifactFailed({ spec }: Rollout, { warmth }: Observation): Decision {
  const { worker, code, reason } = warmth.failed[0]!;
  return { kind: 'roll_back', cause: 'artifact', reason: `version ${spec.candidate} cannot be loaded on ${worker} (${code}): ${reason}`, breached: [] };
}

function decideProgress(rollout: Rollout, seen: Observation): Decision {
  const { spec, step } = rollout;
  const overdue = isOverdue(rollout, seen.nowMs);
  // The end of an A/B is fixed beforehand: its interval is valid then, and only then.
  if (spec.strategy === 'ab') return overdue ? conclude(spec, seen, `its ${spec.endsAfterSeconds} s are over`) : NONE;
  const missing = missingMinimums(spec.steps[step - 1]!, rollout, seen);
  if (missing.length === 0) {
    if (step < spec.steps.length) return { kind: 'advance', step: step + 1, reason: `step ${step} has its minimums and no guard is breached` };
    return conclude(spec, seen, 'every step has its minimums and no guard is breached');
  }
  if (!overdue) return NONE;
  if (spec.strategy === 'shadow') return conclude(spec, seen, `its ${spec.endsAfterSeconds} s are over`);
  return { kind: 'roll_back', cause: 'time', reason: `step ${step} still lacked ${missing.join(' and ')} after ${spec.endsAfterSeconds} s`, breached: [] };
}

function conclude(spec: RolloutSpec, { isBetter }: Observation, because: string): Decision {
  if (spec.atEnd === 'promote') return { kind: 'promote', reason: because };
  if (spec.atEnd === 'promote_if_better' && isBetter) return { kind: 'promote', reason: `${because}, and its outcomes are better` };
  return { kind: 'finish', reason: because };
}

/** What a step still needs, in words; empty when it is through. */
export function missingMinimums({ minSeconds, minPredictions, minOutcomes }: Step, { stepStartedAtMs }: Rollout, { nowMs, predictions, outcomes }: Pick<Observation, 'nowMs' | 'predictions' | 'outcomes'>): string[] {
  const restSeconds = minSeconds - (nowMs - stepStartedAtMs) / 1000;
  return [
    ...(restSeconds > 0 ? [`${Math.ceil(restSeconds)} s`] : []),
    ...(predictions < minPredictions ? [`${minPredictions - predictions} predictions`] : []),
    ...(outcomes < minOutcomes ? [`${minOutcomes - outcomes} outcomes`] : []),
  ];
}

const isOverdue = ({ spec, startedAtMs }: Rollout, nowMs: number): boolean => spec.endsAfterSeconds !== undefined && nowMs - startedAtMs >= spec.endsAfterSeconds * 1000;
/** Of many workers a sentence names so many. */
const NAMED = 5;
const workers = (count: number): string => (count === 1 ? 'one worker' : `${count} workers`);
