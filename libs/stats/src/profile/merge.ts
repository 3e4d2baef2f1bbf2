import type { FeatureProfile, ProfileSet } from './profile.js';

const add = (a: readonly number[], b: readonly number[]): number[] => a.map((value, index) => value + b[index]!);

/**
 * Both together. Order does not matter, so windows can be kept small and added later.
 *
 * @throws RangeError when the bins or categories differ: such profiles cannot be compared either
 */
export function mergeProfiles(a: FeatureProfile, b: FeatureProfile): FeatureProfile {
  if (a.kind === 'numeric' && b.kind === 'numeric' && same(a.cuts, b.cuts)) {
    return {
      kind: 'numeric', cuts: a.cuts, counts: add(a.counts, b.counts), sums: add(a.sums, b.sums),
      nullCount: a.nullCount + b.nullCount, nanCount: a.nanCount + b.nanCount, unseenCount: a.unseenCount + b.unseenCount,
    };
  }
  if (a.kind === 'categorical' && b.kind === 'categorical' && same(a.categories, b.categories)) {
    return { kind: 'categorical', categories: a.categories, counts: add(a.counts, b.counts), nullCount: a.nullCount + b.nullCount, unseenCount: a.unseenCount + b.unseenCount };
  }
  throw new RangeError('profiles with different bins cannot be merged');
}

/** Merges what both sets have, feature by feature. */
export function mergeSets(a: ProfileSet, b: ProfileSet): ProfileSet {
  const merge = (left: ProfileSet['features'], right: ProfileSet['features']): Record<string, FeatureProfile> =>
    Object.fromEntries(Object.entries(left).map(([name, profile]) => [name, mergeProfiles(profile, right[name]!)]));
  return { rowCount: a.rowCount + b.rowCount, features: merge(a.features, b.features), outputs: merge(a.outputs, b.outputs) };
}

/**
 * Sums neighbouring bins into at most `groups` of about equal baseline mass; PSI and Jensen-Shannon use 10, because with 60 bins their
 * value under no change at all is above any useful threshold.
 *
 * @param counts to be grouped
 * @param baseline counts that decide the groups, same length
 */
export function groupBins(counts: readonly number[], baseline: readonly number[], groups = 10): number[] {
  const total = baseline.reduce((sum, count) => sum + count, 0);
  const grouped: number[] = [];
  let before = 0;
  let last = -1;
  for (const [bin, mass] of baseline.entries()) {
    const group = total === 0 ? 0 : Math.min(groups - 1, Math.floor(((before + mass / 2) / total) * groups));
    if (group === last) grouped[grouped.length - 1]! += counts[bin]!;
    else grouped.push(counts[bin]!);
    last = group;
    before += mass;
  }
  return grouped;
}

function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((value, index) => value === b[index]));
}
