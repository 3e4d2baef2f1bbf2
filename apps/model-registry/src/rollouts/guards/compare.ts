import { confidenceSequence, fixedHorizonInterval } from '@throughline/stats';
import type { Evidence, Measure } from '../domain/evidence.js';
import { LOSSES, type Guard, type RolloutSpec } from '../domain/spec.js';
import type { Comparison } from '../domain/verdict.js';
import { MIN_CLUSTERS } from './finding.js';
import { differenceOf, soonestEffect } from './increase.js';

/** Of the intervals in a report: each covers the truth with 95 %. */
const ALPHA = 0.05;

/** Where no guard says from how many samples on a measure matters. */
const USUAL_MIN_SAMPLES = 200;

/**
 * Candidate against champion on one measure, for people. `low` and `high` may be read at any time; `fixedLow` and `fixedHigh` only at an end that was fixed beforehand.
 * Of a shadow, the paired measure (`loss_difference`, `value_difference`, a segment's `loss_difference/<name>`) is taken by itself or for its base measure, where there is one.
 *
 * @returns undefined while there is nothing to compare, or too few clusters of routing keys to learn the error from
 */
export function compare(spec: RolloutSpec, evidence: Evidence, measure: Measure): Comparison | undefined {
  const difference = differenceOf(spec, evidence, measure, pairedWith(measure));
  if (difference === undefined || Math.min(difference.candidate.clusters, difference.champion.clusters) < MIN_CLUSTERS) return undefined;
  const tau = soonestEffect(difference, minSamplesOf(spec.guards, measure));
  const sequence = confidenceSequence(difference, tau, ALPHA);
  const fixed = fixedHorizonInterval(difference, ALPHA);
  if (![sequence.low, sequence.high, fixed.low, fixed.high].every(Number.isFinite)) return undefined;
  // Of pairs whose arms nobody summed, only the difference is known: shown as a candidate's against a champion of 0.
  const isKnown = Number.isFinite(difference.candidate.mean) && Number.isFinite(difference.champion.mean);
  return {
    difference: difference.value,
    standardError: difference.standardError,
    low: sequence.low,
    high: sequence.high,
    fixedLow: fixed.low,
    fixedHigh: fixed.high,
    candidate: isKnown ? difference.candidate.mean : difference.value,
    champion: isKnown ? difference.champion.mean : 0,
    samples: { candidate: difference.candidate.samples, champion: difference.champion.samples },
  };
}

function pairedWith(measure: Measure): Measure | undefined {
  if (measure.includes('_difference')) return measure;
  if (measure === 'value' || measure === 'score') return `${measure}_difference`;
  if (measure.startsWith('quality/')) return `loss_difference/${measure.slice('quality/'.length)}`;
  return LOSSES.some((loss) => loss === measure) ? 'loss_difference' : undefined;
}

function minSamplesOf(guards: readonly Guard[], measure: Measure): number {
  const matching = guards.find((guard) => (guard.kind === 'quality' && (guard.loss === measure || /^(quality\/|loss_difference)/.test(measure))) || (guard.kind === 'business_value' && measure.startsWith('value')));
  return matching?.minSamples ?? USUAL_MIN_SAMPLES;
}
