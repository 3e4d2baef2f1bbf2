/**
 * A frozen description of how a numeric quantity was distributed, cheap to compare with and mergeable by addition.
 *
 * Bin i holds the values in (cuts[i-1], cuts[i]]; the first bin is open below, the last open above, so that every finite value has
 * one. `counts` and `sums` have one entry a bin (cuts.length + 1).
 */
export interface NumericProfile {
  readonly kind: 'numeric';
  readonly cuts: readonly number[];
  counts: number[];
  /** Sum of the values in each bin: with the count it gives the bin's mean. */
  sums: number[];
  nullCount: number;
  nanCount: number;
  /** Infinities: numbers, but in no bin with a mean. */
  unseenCount: number;
}

/** How often each category was seen. `categories` is closed: what a window meets beyond it is unseen. */
export interface CategoricalProfile {
  readonly kind: 'categorical';
  readonly categories: readonly string[];
  /** One entry a category. */
  counts: number[];
  nullCount: number;
  unseenCount: number;
}

export type FeatureProfile = NumericProfile | CategoricalProfile;

/** The profile of a version, or of a window of its traffic. Plain JSON. */
export interface ProfileSet {
  rowCount: number;
  readonly features: Readonly<Record<string, FeatureProfile>>;
  /** By output or by `score`. */
  readonly outputs: Readonly<Record<string, FeatureProfile>>;
}

/** Values that fell into a bin or category: what the statistics compare. */
export function binnedCount(profile: FeatureProfile): number {
  return profile.counts.reduce((sum, count) => sum + count, 0);
}

/** All values, in bins or not. */
export function totalCount(profile: FeatureProfile): number {
  return binnedCount(profile) + profile.nullCount + profile.unseenCount + (profile.kind === 'numeric' ? profile.nanCount : 0);
}
