import type { CategoricalProfile, FeatureProfile, NumericProfile, ProfileSet } from './profile.js';

/** A value as features travel: booleans and strings are categories, or numbers as strings where a profile is numeric. */
export type Observed = number | string | boolean | null | undefined;

export function emptyNumeric(cuts: readonly number[]): NumericProfile {
  const zeros = (): number[] => new Array<number>(cuts.length + 1).fill(0);
  return { kind: 'numeric', cuts, counts: zeros(), sums: zeros(), nullCount: 0, nanCount: 0, unseenCount: 0 };
}

/** A window with the baseline's bins and nothing in them: so profiles compare bin by bin and merge by addition. */
export function emptyWindowLike<P extends FeatureProfile>(baseline: P): P;
export function emptyWindowLike(baseline: FeatureProfile): FeatureProfile {
  if (baseline.kind === 'numeric') return emptyNumeric(baseline.cuts);
  return { kind: 'categorical', categories: baseline.categories, counts: baseline.categories.map(() => 0), nullCount: 0, unseenCount: 0 };
}

/** The same for a whole version. */
export function emptySetLike({ features, outputs }: ProfileSet): ProfileSet {
  const empty = (profiles: Readonly<Record<string, FeatureProfile>>): Record<string, FeatureProfile> =>
    Object.fromEntries(Object.entries(profiles).map(([name, profile]) => [name, emptyWindowLike(profile)]));
  return { rowCount: 0, features: empty(features), outputs: empty(outputs) };
}

/** Counts one value, in place; some tens of nanoseconds. */
export function observe(window: FeatureProfile, value: Observed): void {
  if (window.kind === 'categorical') observeCategorical(window, value);
  else observeNumeric(window, value);
}

export function observeNumeric(window: NumericProfile, value: Observed): void {
  if (value === null || value === undefined) {
    window.nullCount += 1;
    return;
  }
  const number = typeof value === 'number' ? value : Number(value);
  if (Number.isNaN(number)) window.nanCount += 1;
  else if (!Number.isFinite(number)) window.unseenCount += 1;
  else {
    const bin = binOf(window.cuts, number);
    window.counts[bin]! += 1;
    window.sums[bin]! += number;
  }
}

export function observeCategorical(window: CategoricalProfile, value: Observed): void {
  if (value === null || value === undefined) {
    window.nullCount += 1;
    return;
  }
  const category = window.categories.indexOf(String(value));
  if (category === -1) window.unseenCount += 1;
  else window.counts[category]! += 1;
}

/** Index of the first cut that is not below the value (binary search): its bin. */
function binOf(cuts: readonly number[], value: number): number {
  let low = 0;
  let high = cuts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (cuts[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
