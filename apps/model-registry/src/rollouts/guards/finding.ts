import type { GuardKind } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';

/**
 * Routing keys of fewer clusters than this (as good as so many of equal size) in an arm say nothing about keys in general, however many answers they brought.
 */
export const MIN_CLUSTERS = 5;

export interface Guarded {
  readonly guard: GuardKind;
  readonly segment?: string | undefined;
}

/** How an arm stands in an evaluation. */
export interface Samples {
  readonly candidate: number;
  readonly champion: number;
}

interface Measured extends Samples {
  readonly clusters: Samples;
}

/** Why there is no verdict yet, or undefined when there may be one. */
export function missing({ candidate, champion, clusters }: Measured, minSamples: number): string | undefined {
  if (candidate < minSamples || champion < minSamples) return `waits for ${minSamples} samples of each arm: candidate ${candidate}, champion ${champion}`;
  if (Math.min(clusters.candidate, clusters.champion) >= MIN_CLUSTERS) return undefined;
  return `waits for more routing keys: the samples come as if from ${Math.floor(clusters.candidate)} clusters of them for the candidate and ${Math.floor(clusters.champion)} for the champion, of ${MIN_CLUSTERS} needed`;
}

export const insufficient = (guarded: Guarded, limit: number, samples: Samples, reason: string): Verdict => ({
  ...named(guarded),
  state: 'insufficient_data',
  limit,
  samples,
  says: `${labelOf(guarded)}: ${reason}.`,
});

interface Figures {
  readonly candidate: number;
  readonly champion: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

/** A verdict with its figures; those that are unbounded or unknown are left out, because JSON has no word for them. */
export function verdict(guarded: Guarded, state: 'ok' | 'breached', figures: Partial<Figures>, limit: number, samples: Samples, reason: string): Verdict {
  const known = Object.entries(figures).filter(([, value]) => Number.isFinite(value)).map(([name, value]) => [name, positiveZero(value)]);
  return { ...named(guarded), state, ...(Object.fromEntries(known) as Partial<Figures>), limit: positiveZero(limit), samples, says: `${labelOf(guarded)}: ${reason}.` };
}

/** JSON knows no −0: a verdict must be the same before and after it. */
const positiveZero = (value: number): number => value + 0;

const named = ({ guard, segment }: Guarded): Guarded => (segment === undefined ? { guard } : { guard, segment });

const LABELS: Readonly<Record<GuardKind, string>> = {
  error_rate: 'Error rate',
  p99_latency: 'p99 latency',
  fallback_rate: 'Fallback rate',
  score_shift: 'Score distribution',
  quality: 'Quality (mean loss)',
  business_value: 'Business value of a prediction',
};

const labelOf = ({ guard, segment }: Guarded): string => (segment === undefined ? LABELS[guard] : `${LABELS[guard]} in segment ${segment}`);

/** Three significant digits, for sentences. */
export const figure = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? 'unknown' : String(Number(value.toPrecision(3)) + 0));
