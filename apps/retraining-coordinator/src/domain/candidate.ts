import type { FeatureSpec, ModelSignature } from '@throughline/contracts';
import { LOGISTIC_REGRESSION_TRAINER } from '@throughline/features';

/** What the registry is told of a candidate; the same candidate always gives the same, so that registering twice is registering once. */
export interface CandidateMetadata {
  readonly features: readonly FeatureSpec[];
  readonly task: ModelSignature['task'];
  readonly score: { readonly output: string; readonly index: number; readonly threshold: number };
  readonly entities?: Readonly<Record<string, string>>;
  readonly metrics: Readonly<Record<string, number>>;
  readonly trainer: string;
  readonly trainerVersion: string;
  readonly codeCommit: string;
  readonly parentVersion: string;
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly hyperparameters: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** A score at or above it is a positive decision, if the champion does not say otherwise. */
export const DEFAULT_THRESHOLD = 0.5;

export interface CandidateFacts {
  readonly signature: ModelSignature;
  readonly championVersion: string;
  readonly runId: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly dataset: Readonly<Record<string, unknown>>;
  readonly hyperparameters: Readonly<Record<string, number>>;
  /** What stood in for missing values in training, one a feature. */
  readonly imputation: readonly number[];
}

export function candidateMetadata({ signature, championVersion, runId, metrics, dataset, hyperparameters, imputation }: CandidateFacts): CandidateMetadata {
  return {
    features: signature.features.map((feature, index) => servedFeature(feature, imputation[index]!)),
    task: signature.task,
    score: { output: 'probability', index: 0, threshold: signature.score?.threshold ?? DEFAULT_THRESHOLD },
    ...(signature.entities === undefined ? {} : { entities: signature.entities }),
    metrics, ...LOGISTIC_REGRESSION_TRAINER, parentVersion: championVersion, dataset, hyperparameters, tags: { retrainingRun: runId },
  };
}

/** A linear model answers NaN to NaN: where the champion took it, the candidate takes what stood in for it in training. */
function servedFeature(feature: FeatureSpec, imputation: number): FeatureSpec {
  if (feature.allowNaN !== true) return feature;
  const { allowNaN: _, ...rest } = feature;
  return { ...rest, default: imputation };
}
