import type { Evidence, Measure } from '../domain/evidence.js';
import type { Guard, RolloutSpec } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';
import { figure, insufficient, missing, verdict, type Guarded } from './finding.js';
import { boundsOf, differenceOf } from './increase.js';

type QualityGuard = Extract<Guard, { kind: 'quality' }>;
type ValueGuard = Extract<Guard, { kind: 'business_value' }>;

/** The mean loss of answers whose outcome is known, over all of them and, if the guard says so, in each segment. */
export function judgeQuality(spec: RolloutSpec, evidence: Evidence, guard: QualityGuard, alpha: number): Verdict[] {
  const overall = judgeLoss(spec, evidence, guard, { guard: 'quality' }, guard.loss, 'loss_difference', alpha);
  if (!guard.segments) return [overall];
  return [overall, ...spec.segments.map(({ name }) => judgeLoss(spec, evidence, guard, { guard: 'quality', segment: name }, `quality/${name}`, `loss_difference/${name}`, alpha))];
}

function judgeLoss(spec: RolloutSpec, evidence: Evidence, guard: QualityGuard, guarded: Guarded, measure: Measure, paired: Measure, alpha: number): Verdict {
  return judgeMean(spec, evidence, guarded, { measure, paired, minSamples: guard.minSamples, limit: guard.maxIncrease, isBreach: ({ low }) => low > guard.maxIncrease, allowed: 'an increase', alpha });
}

/** The mean value of a prediction whose outcome is known. */
export function judgeValue(spec: RolloutSpec, evidence: Evidence, guard: ValueGuard, alpha: number): Verdict {
  const limit = guard.maxLossMicroUsd;
  return judgeMean(spec, evidence, { guard: 'business_value' }, { measure: 'value', paired: 'value_difference', minSamples: guard.minSamples, limit, isBreach: ({ high }) => high < -limit, allowed: 'a loss', alpha });
}

interface MeanRule {
  readonly measure: Measure;
  readonly paired: Measure;
  readonly minSamples: number;
  readonly limit: number;
  readonly isBreach: (bounds: { low: number; high: number }) => boolean;
  readonly allowed: string;
  readonly alpha: number;
}

function judgeMean(spec: RolloutSpec, evidence: Evidence, guarded: Guarded, rule: MeanRule): Verdict {
  const difference = differenceOf(spec, evidence, rule.measure, rule.paired);
  const samples = { candidate: difference?.candidate.samples ?? 0, champion: difference?.champion.samples ?? 0 };
  const reason = missing({ ...samples, clusters: { candidate: difference?.candidate.clusters ?? 0, champion: difference?.champion.clusters ?? 0 } }, rule.minSamples);
  if (difference === undefined || reason !== undefined) return insufficient(guarded, rule.limit, samples, reason ?? 'nothing to compare yet');
  const { low, high } = boundsOf(difference, rule.minSamples, rule.alpha);
  const figures = { candidate: difference.candidate.mean, champion: difference.champion.mean, difference: difference.value, low, high };
  const says = `candidate ${figure(figures.candidate)}, champion ${figure(figures.champion)}, a difference of ${figure(figures.difference)} (${figure(low)} to ${figure(high)}) where ${rule.allowed} of ${figure(rule.limit)} is allowed`;
  return verdict(guarded, rule.isBreach({ low, high }) ? 'breached' : 'ok', figures, rule.limit, samples, says);
}
