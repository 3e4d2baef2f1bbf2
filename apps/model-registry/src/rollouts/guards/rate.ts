import { clusteredMean, oneSidedConfidenceSequences } from '@throughline/stats';
import type { Evidence } from '../domain/evidence.js';
import type { Guard, RolloutSpec } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';
import { clustersOf, ordered } from './arms.js';
import { figure, insufficient, MIN_CLUSTERS, missing, verdict } from './finding.js';
import { boundsOf, differenceOf, soonestEffect } from './increase.js';

type RateGuard = Extract<Guard, { kind: 'error_rate' | 'fallback_rate' }>;

/** Errors or fallbacks of all answers: not more than the champion's and the allowed increase; where there is a `max`, not more than that, whatever the champion has. */
export function judgeRate(spec: RolloutSpec, evidence: Evidence, guard: RateGuard, alpha: number): Verdict {
  const guarded = { guard: guard.kind };
  const measure = guard.kind === 'error_rate' ? 'error' : 'fallback';
  const share = guard.max === undefined ? alpha : alpha / 2;
  const own = clusteredMean([clustersOf(ordered(evidence), 'candidate', measure)]);
  const difference = differenceOf(spec, evidence, measure);
  const samples = { candidate: own?.samples ?? 0, champion: difference?.champion.samples ?? 0 };

  if (guard.max !== undefined && own !== undefined && own.samples >= guard.minSamples && own.clusters >= MIN_CLUSTERS) {
    const { low, high } = oneSidedConfidenceSequences(own, soonestEffect({ ...own, candidate: own }, guard.minSamples), share);
    if (low > guard.max) {
      const figures = { candidate: own.mean, champion: difference?.champion.mean ?? Number.NaN, low, high };
      return verdict(guarded, 'breached', figures, guard.max, samples, `candidate ${figure(own.mean)}, surely above ${figure(low)}, where ${figure(guard.max)} is the most, whatever the champion has`);
    }
  }

  const arms = { candidate: difference?.candidate.samples ?? 0, champion: samples.champion, clusters: { candidate: difference?.candidate.clusters ?? 0, champion: difference?.champion.clusters ?? 0 } };
  const reason = missing(arms, guard.minSamples);
  if (difference === undefined || reason !== undefined) return insufficient(guarded, guard.maxIncrease, samples, reason ?? 'nothing to compare yet');
  const { low, high } = boundsOf(difference, guard.minSamples, share);
  const figures = { candidate: difference.candidate.mean, champion: difference.champion.mean, difference: difference.value, low, high };
  const says = `candidate ${figure(figures.candidate)}, champion ${figure(figures.champion)}, an increase of ${figure(figures.difference)} (${figure(low)} to ${figure(high)}) where ${figure(guard.maxIncrease)} is allowed`;
  return verdict(guarded, low > guard.maxIncrease ? 'breached' : 'ok', figures, guard.maxIncrease, samples, says);
}
