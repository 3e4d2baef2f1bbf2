import type { CategoricalProfile, NumericProfile } from './profile.js';
import { emptyNumeric, observeCategorical, observeNumeric } from './window.js';

/** Enough for the Kolmogorov-Smirnov distance to be exact within 1/60, few enough to travel in a message. */
export const DEFAULT_BINS = 60;
export const MAX_CATEGORIES = 200;

/**
 * Freezes a numeric baseline into bins of equal mass (empirical quantiles); duplicate edges collapse, so a quantity with few
 * distinct values has few bins. A cut lies midway between two values that were seen: on a value itself, rounding to float32 on the way
 * would move all its mass into the next bin and pass for drift.
 *
 * @param values the reference sample; null means missing
 */
export function freezeNumericProfile(values: readonly (number | null)[], maxBins: number = DEFAULT_BINS): NumericProfile {
  const finite = Float64Array.from(values.filter((value): value is number => value !== null && Number.isFinite(value))).sort();
  const cuts: number[] = [];
  for (let bin = 1, next = 0; bin < maxBins && finite.length > 0; bin++) {
    const at = Math.ceil((bin * finite.length) / maxBins) - 1;
    if (at < next) continue;
    next = at + 1;
    while (next < finite.length && finite[next] === finite[at]) next += 1;
    // Nothing lies above the last value: a cut there would leave a bin empty for ever.
    if (next < finite.length) cuts.push(finite[at]! + (finite[next]! - finite[at]!) / 2);
  }
  const profile = emptyNumeric(cuts);
  for (const value of values) observeNumeric(profile, value);
  return profile;
}

/** Freezes a categorical baseline: the most frequent categories, in order of frequency, then of name. */
export function freezeCategoricalProfile(values: readonly (string | null)[], maxCategories: number = MAX_CATEGORIES): CategoricalProfile {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  const categories = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, maxCategories).map(([category]) => category);
  const profile: CategoricalProfile = { kind: 'categorical', categories, counts: categories.map(() => 0), nullCount: 0, unseenCount: 0 };
  for (const value of values) observeCategorical(profile, value);
  return profile;
}
