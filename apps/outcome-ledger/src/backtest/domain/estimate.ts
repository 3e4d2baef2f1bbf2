import { fixedHorizonInterval, type ClusteredEstimate } from '@throughline/stats';

/** An estimate with its 95 % interval; null where there is too little to say. */
export interface Estimate {
  readonly status: 'ok' | 'insufficient_data';
  readonly value: number | null;
  readonly standardError: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

const ALPHA = 0.05;
/** Below, intervals by the normal distribution promise more than they keep. */
export const MIN_EFFECTIVE_SAMPLES = 100;
export const MIN_CLUSTERS = 20;

/** @param effectiveSamples independent values of equal weight that it is worth */
export function estimateOf(found: ClusteredEstimate | undefined, effectiveSamples: number): Estimate {
  if (found === undefined) return { status: 'insufficient_data', value: null, standardError: null, low: null, high: null };
  const isEnough = effectiveSamples >= MIN_EFFECTIVE_SAMPLES && found.degrees + 1 >= MIN_CLUSTERS && Number.isFinite(found.standardError);
  if (!isEnough) return { status: 'insufficient_data', value: found.value, standardError: null, low: null, high: null };
  const { low, high } = fixedHorizonInterval(found, ALPHA);
  return { status: 'ok', value: found.value, standardError: found.standardError, low, high };
}
