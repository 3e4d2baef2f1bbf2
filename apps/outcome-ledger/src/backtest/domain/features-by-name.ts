import type { FeatureSpec } from '@throughline/contracts';
import type { FeatureValue } from '../../domain/features-codec.js';
import { isHash } from '../../privacy/domain/hashing.js';

/** Where the features of one version are among those of another. */
export interface FeatureMap {
  readonly features: readonly FeatureSpec[];
  /** Index among the stored values, for each feature. */
  readonly places: readonly (number | undefined)[];
  /** Names of features that were not stored, or under another definition. */
  readonly missing: readonly string[];
}

/** Why a prediction of the past cannot be scored anew. */
export type Unscorable = 'feature_missing' | 'withheld';

/** What was stored of one prediction. */
export interface StoredValues {
  readonly values: readonly FeatureValue[];
  /** Indices of values that were defaults of the version that answered. */
  readonly defaulted: readonly number[];
  /** Whether a privacy policy changed some of them. */
  readonly isWithheld: boolean;
}

/** Features meet by name; two that come from different features of views are not the same, whatever they are called. */
export function mapFeatures(stored: readonly FeatureSpec[], wanted: readonly FeatureSpec[]): FeatureMap {
  const indexOf = new Map(stored.map(({ name }, index) => [name, index]));
  const places = wanted.map((feature) => {
    const index = indexOf.get(feature.name);
    return index !== undefined && isSameSource(stored[index]!, feature) ? index : undefined;
  });
  return { features: wanted, places, missing: wanted.filter((_, index) => places[index] === undefined).map(({ name }) => name) };
}

function isSameSource({ from: a, kind }: FeatureSpec, { from: b, kind: wanted }: FeatureSpec): boolean {
  if (kind !== wanted) return false;
  return a === undefined || b === undefined || (a.view === b.view && a.viewVersion === b.viewVersion && a.feature === b.feature && a.entityRole === b.entityRole);
}

/**
 * The values that a version would have been given. A value that nobody had sent was the default of the version that answered; here it is this one's
 * default. What was not stored is never guessed, not by a default either: the request may have had it.
 */
export function valuesOf({ features, places, missing }: FeatureMap, { values, defaulted, isWithheld }: StoredValues): (number | string | boolean)[] | Unscorable {
  if (missing.length > 0 || values.length === 0) return 'feature_missing';
  const row: (number | string | boolean)[] = [];
  for (const [index, place] of places.entries()) {
    const stored = values[place!] ?? null;
    if (isWithheld && (stored === null || isHash(stored))) return 'withheld';
    const value = defaulted.includes(place!) ? (features[index]!.default ?? null) : stored;
    if (value === null) return 'feature_missing';
    row.push(value);
  }
  return row;
}
