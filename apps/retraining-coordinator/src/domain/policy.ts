import type { AlertRaised } from '@throughline/contracts';
import { scheduleProblem, type Schedule } from './schedule.js';

export const EVIDENCE_KINDS = ['quality', 'data_drift', 'prediction_drift'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];
export const TIERS = ['warn', 'alarm'] as const;
export type Tier = (typeof TIERS)[number];

/** When and on what a model is retrained. */
export interface RetrainingPolicy {
  /** Whether alerts and the schedule may start a run; by hand one can always be started. */
  readonly enabled: boolean;
  /** Joined outcomes that a training set needs; with fewer a run ends as `insufficient_data`. */
  readonly minLabels: number;
  /** Processing time between the end of a run and the next that an alert may start. */
  readonly cooldownSeconds: number;
  /** Alerts that count as evidence for a run. Drift is on the list only if the policy says so. */
  readonly trigger: { readonly kinds: readonly EvidenceKind[]; readonly minTier: Tier };
  /** How far back the training set reaches from its newest prediction, in event time; without it to the ledger's beginning. */
  readonly windowSeconds?: number | undefined;
  /** How long outcomes usually take, in event time: younger predictions are left out, as only their quick outcomes are known. */
  readonly maturitySeconds: number;
  /** Share of the rows, the latest, on which candidate and champion are compared. */
  readonly heldOutFraction: number;
  /** Penalty on the weights of the built-in logistic regression. */
  readonly l2: number;
  /** When to retrain whatever the alerts say. */
  readonly schedule?: Schedule | undefined;
}

/** Performance evidence alone retrains; 1,000 is the least n at which the calibration of a model can be judged. */
export const DEFAULT_POLICY: RetrainingPolicy = {
  enabled: true,
  minLabels: 1000,
  cooldownSeconds: 6 * 3600,
  trigger: { kinds: ['quality'], minTier: 'alarm' },
  windowSeconds: 90 * 24 * 3600,
  maturitySeconds: 0,
  heldOutFraction: 0.25,
  l2: 1,
};

/** What else an alert is judged by. */
export interface Situation {
  readonly policy: RetrainingPolicy;
  /** The version that answers now; `undefined` when none is deployed. */
  readonly championVersion: string | undefined;
  /** A run of the model that has not ended. */
  readonly inFlightRunId: string | undefined;
  /** When the model's last run ended, by the wall; epoch milliseconds. */
  readonly lastFinishedAtMs: number | undefined;
  /** The wall; epoch milliseconds. */
  readonly nowMs: number;
}

export type AlertDecision = { readonly start: true; readonly reason: string } | { readonly start: false; readonly because: string };

/** Whether an alert starts a run, and why not. Drift alone never does, unless the policy lists it. */
export function decideOnAlert(alert: AlertRaised, { policy, championVersion, inFlightRunId, lastFinishedAtMs, nowMs }: Situation): AlertDecision {
  const no = (because: string): AlertDecision => ({ start: false, because });
  if (!policy.enabled) return no('the policy is disabled');
  const isEvidence = policy.trigger.kinds.some((kind) => kind === alert.kind);
  if (!isEvidence) return no(`${alert.kind} is no evidence under the policy`);
  if (policy.trigger.minTier === 'alarm' && alert.tier !== 'alarm') return no(`the tier ${alert.tier} is below ${policy.trigger.minTier}`);
  if (championVersion === undefined) return no('the model has no champion');
  if (alert.version !== championVersion) return no(`version ${alert.version} is not the champion any more`);
  if (inFlightRunId !== undefined) return no(`run ${inFlightRunId} is in flight`);
  if (lastFinishedAtMs !== undefined) {
    if (Date.parse(alert.raisedAt) <= lastFinishedAtMs) return no('a later run has answered it already');
    const restSeconds = policy.cooldownSeconds - (nowMs - lastFinishedAtMs) / 1000;
    if (restSeconds > 0) return no(`the cooldown lasts another ${Math.ceil(restSeconds)} s`);
  }
  return { start: true, reason: `${alert.kind} ${alert.tier} on ${alert.subject}: ${alert.summary}` };
}

/** What is wrong with a policy, a sentence each; empty if nothing is. */
export function policyProblems(policy: RetrainingPolicy): string[] {
  const problems: string[] = [];
  const { minLabels, cooldownSeconds, trigger, windowSeconds, maturitySeconds, heldOutFraction, l2, schedule } = policy;
  if (!Number.isInteger(minLabels) || minLabels < 100) problems.push('minLabels must be an integer from 100');
  if (!(cooldownSeconds >= 0)) problems.push('cooldownSeconds must not be negative');
  if (trigger.kinds.some((kind) => !EVIDENCE_KINDS.includes(kind))) problems.push(`trigger.kinds must be among ${EVIDENCE_KINDS.join(', ')}`);
  if (!TIERS.includes(trigger.minTier)) problems.push(`trigger.minTier must be one of ${TIERS.join(', ')}`);
  if (windowSeconds !== undefined && !(windowSeconds > 0)) problems.push('windowSeconds must be above 0');
  if (!(maturitySeconds >= 0)) problems.push('maturitySeconds must not be negative');
  if (!(heldOutFraction >= 0.05 && heldOutFraction <= 0.5)) problems.push('heldOutFraction must be between 0.05 and 0.5');
  if (!(l2 >= 0 && Number.isFinite(l2))) problems.push('l2 must not be negative');
  const unschedulable = schedule === undefined ? undefined : scheduleProblem(schedule);
  if (unschedulable !== undefined) problems.push(unschedulable);
  return problems;
}
