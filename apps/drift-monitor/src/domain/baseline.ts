import type { ProfileSet } from '@throughline/stats';

/** What a version is held against. */
export interface Baseline {
  /** In the order of the values in `prediction.scored`. */
  readonly featureNames: readonly string[];
  readonly isClassifier: boolean;
  /** On held-out data, as registered. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Absent when the version was registered without a reference sample. */
  readonly profile: ProfileSet | undefined;
}
