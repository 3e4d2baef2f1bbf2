import type { FeatureScalar } from '../windows/definition.js';
import type { PackPlan } from './plan.js';
import type { PackError } from './signature.js';

/** Where a row's values may come from, in order of precedence; `undefined` and `null` mean missing everywhere. */
export interface RowSources {
  /** The request's, by name. */
  readonly named?: Readonly<Record<string, FeatureScalar | undefined>> | undefined;
  /** The request's, in the order of the features; instead of `named`. */
  readonly positional?: readonly (FeatureScalar | undefined)[] | undefined;
  /** The feature store's, in the order of the features. */
  readonly stored?: readonly (FeatureScalar | undefined)[] | undefined;
}

/** A row as it will be used: complete, in the order of the features. */
export interface AssembledRow {
  readonly values: FeatureScalar[];
  /** Indices of the values that are defaults; absent when there is none. */
  readonly defaulted: number[] | undefined;
  /** Named values of the request that no feature has the name of. */
  readonly ignoredCount?: number | undefined;
}

/** Each value is the request's, else the store's, else the feature's default, else the row is `feature_missing`. */
export function assembleRow({ features }: PackPlan, { named, positional, stored }: RowSources): AssembledRow | PackError {
  const values = new Array<FeatureScalar>(features.length);
  let defaulted: number[] | undefined;
  let takenCount = 0;
  for (let index = 0; index < features.length; index++) {
    const feature = features[index]!;
    const requested = named === undefined ? positional?.[index] : named[feature.name];
    if (requested !== undefined) takenCount++;
    const value = requested ?? stored?.[index] ?? undefined;
    if (value !== undefined) {
      values[index] = value;
      continue;
    }
    if (feature.default === undefined || feature.default === null) return missing(feature.name, feature.from !== undefined);
    values[index] = feature.default;
    (defaulted ??= []).push(index);
  }
  return { values, defaulted, ignoredCount: named === undefined ? 0 : Object.keys(named).length - takenCount };
}

function missing(feature: string, isStored: boolean): PackError {
  const where = isStored ? 'neither the request nor the feature store has a value' : 'the request has no value';
  return { code: 'feature_missing', reason: `${where} for “${feature}”, and it has no default` };
}
