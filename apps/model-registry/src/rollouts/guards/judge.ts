import type { Evidence } from '../domain/evidence.js';
import type { Guard, RolloutSpec } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';
import { judgeLatency } from './latency.js';
import { judgeQuality, judgeValue } from './outcomes.js';
import { judgeRate } from './rate.js';
import { judgeShift } from './score-shift.js';

/**
 * What every guard finds in the evidence, in the order of the spec (quality: over all, then by segment). A function of its two arguments and nothing else, so that a
 * stored verdict can be had again from the stored evidence.
 *
 * Breached means that the difference lies beyond the limit with confidence, not merely that its estimate does. The confidence holds at every look: judging once a second or once a
 * day, equal versions are told apart with probability `falseRollbackRate` at most over the whole rollout and all guards (Bonferroni). Hysteresis, which lowers it further, is the caller's.
 */
export function judge(spec: RolloutSpec, evidence: Evidence): Verdict[] {
  const alpha = alphaOfTest(spec);
  return spec.guards.flatMap((guard) => judgeOne(spec, evidence, guard, alpha));
}

/** Of the tolerated rate of false rollbacks, the part of one test: guards share it equally, and so do the segments of quality. */
export function alphaOfTest({ guards, segments, falseRollbackRate }: RolloutSpec): number {
  const tests = guards.reduce((sum, guard) => sum + (guard.kind === 'quality' && guard.segments ? 1 + segments.length : 1), 0);
  return falseRollbackRate / Math.max(1, tests);
}

function judgeOne(spec: RolloutSpec, evidence: Evidence, guard: Guard, alpha: number): Verdict[] {
  switch (guard.kind) {
    case 'error_rate':
    case 'fallback_rate':
      return [judgeRate(spec, evidence, guard, alpha)];
    case 'p99_latency':
      return [judgeLatency(spec, evidence, guard, alpha)];
    case 'score_shift':
      return [judgeShift(spec, evidence, guard, alpha)];
    case 'quality':
      return judgeQuality(spec, evidence, guard, alpha);
    case 'business_value':
      return [judgeValue(spec, evidence, guard, alpha)];
  }
}

/** The verdicts that stored evidence leads to: those of `judge` then, bit for bit, in whatever order the store returned the members of its objects. */
export const replay = judge;
