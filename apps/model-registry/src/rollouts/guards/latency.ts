import { quantileBin, quantileSequence, type QuantileBounds, type SparseHistogram } from '@throughline/stats';
import { binEdges, binValue, type Evidence } from '../domain/evidence.js';
import type { Guard, RolloutSpec } from '../domain/spec.js';
import type { Verdict } from '../domain/verdict.js';
import { comparableHistograms, histogramOf, ordered, weightOf, type ComparableHistograms } from './arms.js';
import { figure, insufficient, verdict } from './finding.js';

type LatencyGuard = Extract<Guard, { kind: 'p99_latency' }>;

const LEVEL = 0.99;

/**
 * Answers that are slow together (a pause of the garbage collector, a burst) are not so many pieces of evidence, and sums without times cannot tell which they are. So
 * this many count as one. A slow graph makes nearly every answer slow and is found all the same.
 */
const SLOW_TOGETHER = 2;

/**
 * The candidate's p99, surely above what is allowed: `maxMs`, or `maxRatio` times the highest that the champion's p99 may be. Both p99 have bounds that hold at every look; α is shared
 * equally among those in use.
 */
export function judgeLatency(spec: RolloutSpec, evidence: Evidence, guard: LatencyGuard, alpha: number): Verdict {
  const guarded = { guard: guard.kind };
  const all = histogramOf(ordered(evidence), 'candidate', 'latencyMs');
  const both = comparableHistograms(spec, evidence, 'latencyMs');
  const candidate = valueAt(quantileBin(both?.candidate ?? all, LEVEL));
  const champion = both && valueAt(quantileBin(both.champion, LEVEL));
  const limit = Math.min(guard.maxMs ?? Infinity, guard.maxRatio === undefined || champion === undefined ? Infinity : guard.maxRatio * champion);
  const shownLimit = Number.isFinite(limit) ? limit : 0;
  const samples = { candidate: weightOf(all), champion: both === undefined ? 0 : Math.floor(both.championSamples) };
  if (samples.candidate < guard.minSamples) return insufficient(guarded, shownLimit, samples, `waits for ${guard.minSamples} answers of the candidate: ${samples.candidate} so far`);

  const parts = (guard.maxMs === undefined ? 0 : 1) + (guard.maxRatio === undefined ? 0 : 2);
  const share = alpha / Math.max(1, parts);
  const absolute = boundsOf(all, samples.candidate, share);
  if (guard.maxMs !== undefined && absolute.low > guard.maxMs) {
    const figures = { candidate: valueAt(quantileBin(all, LEVEL)) ?? Number.NaN, champion: champion ?? Number.NaN };
    return verdict(guarded, 'breached', figures, guard.maxMs, samples, `candidate ${figure(figures.candidate)} ms, surely above ${figure(absolute.low)}, where ${figure(guard.maxMs)} is the most`);
  }
  if (guard.maxRatio === undefined) {
    return verdict(guarded, 'ok', { candidate: candidate ?? Number.NaN, champion: champion ?? Number.NaN }, shownLimit, samples, `candidate ${figure(candidate)} ms, where ${figure(guard.maxMs)} is the most`);
  }
  return judgeRatio(guard, guard.maxRatio, both, share, shownLimit, samples);
}

function judgeRatio(guard: LatencyGuard, maxRatio: number, both: ComparableHistograms | undefined, alpha: number, limit: number, samples: Verdict['samples']): Verdict {
  const guarded = { guard: guard.kind };
  if (both === undefined || Math.min(both.candidateSamples, both.championSamples) < guard.minSamples) {
    return insufficient(guarded, limit, samples, `waits for ${guard.minSamples} answers of each arm in the same step: candidate ${both?.candidateSamples ?? 0}, champion ${samples.champion}`);
  }
  const first = boundsOf(both.candidate, both.candidateSamples, alpha);
  const second = boundsOf(both.champion, both.championSamples, alpha);
  const candidate = valueAt(quantileBin(both.candidate, LEVEL)) ?? Number.NaN;
  const champion = valueAt(quantileBin(both.champion, LEVEL)) ?? Number.NaN;
  const figures = { candidate, champion, difference: candidate - champion, low: first.low - second.high, high: first.high - second.low };
  const says = `candidate ${figure(candidate)} ms (${figure(first.low)} to ${figure(first.high)}), champion ${figure(champion)} ms (${figure(second.low)} to ${figure(second.high)}), where ${figure(maxRatio)} times the champion's is allowed`;
  const isBreach = first.low > maxRatio * second.high;
  // Too few answers to know how slow the champion is at its p99: without that there is nothing to hold the candidate to.
  if (!isBreach && second.high === Infinity && guard.maxMs === undefined) return insufficient(guarded, limit, samples, `the champion's p99 is not known surely enough yet from ${samples.champion} answers`);
  return verdict(guarded, isBreach ? 'breached' : 'ok', figures, limit, samples, says);
}

/** Milliseconds between which the p99 surely lies. */
function boundsOf(histogram: SparseHistogram, samples: number, alpha: number): { low: number; high: number } {
  const bounds: QuantileBounds = quantileSequence(histogram, LEVEL, samples / SLOW_TOGETHER, alpha);
  return { low: bounds.above === undefined ? 0 : topOf(bounds.above), high: bounds.within === undefined ? Infinity : topOf(bounds.within) };
}

const valueAt = (bin: number | undefined): number | undefined => (bin === undefined ? undefined : binValue(bin));

const topOf = (bin: number): number => binEdges(bin)[1];
