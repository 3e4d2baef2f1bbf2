import type { FeatureSpec, PrivacyPolicy } from '@throughline/contracts';
import { packFeatures, unpackFeatures, type FeatureValue } from '../../domain/features-codec.js';
import type { Answer, PredictionRecord } from '../../domain/prediction.js';

/** Makes a hash of a text; `undefined` when there is no key to make one with. */
export type Hash = ((text: string) => string) | undefined;

type Treatment = 'hash' | 'omit' | undefined;

/** A text by its treatment; what is to be hashed without a key is left out. */
export function treatText(text: string, treatment: Treatment, hash: Hash): string | undefined {
  if (treatment === undefined) return text;
  return treatment === 'hash' ? hash?.(text) : undefined;
}

/**
 * The record as it may be written: fields of the policy hashed or left out, `answer.isWithheld` where that concerns what the answer is computed from or the
 * answer itself.
 *
 * @param features of the version, in its order; when nobody has described the version its features cannot be told apart and are all left out
 */
export function withhold(record: PredictionRecord, policy: PrivacyPolicy, features: readonly FeatureSpec[] | undefined, hash: Hash): PredictionRecord {
  return {
    ...record,
    requestId: treatText(record.requestId, policy.requestId, hash) ?? '',
    routingKey: record.routingKey === undefined ? undefined : treatText(record.routingKey, policy.routingKey, hash),
    entities: record.entities === undefined ? undefined : treatEntities(record.entities, policy, hash),
    answer: record.answer === undefined ? undefined : treatAnswer(record.answer, policy, features, hash),
  };
}

function treatEntities(entities: Readonly<Record<string, string>>, { entities: treatments = {} }: PrivacyPolicy, hash: Hash): Record<string, string> {
  return Object.fromEntries(Object.entries(entities).flatMap(([role, id]) => {
    const treated = treatText(id, treatments[role], hash);
    return treated === undefined ? [] : [[role, treated]];
  }));
}

function treatAnswer(answer: Answer, { features: treatments = {}, outputs }: PrivacyPolicy, features: readonly FeatureSpec[] | undefined, hash: Hash): Answer {
  const values = Object.keys(treatments).length === 0 ? undefined : unpackFeatures(answer.features);
  const treated = values === undefined ? undefined : treatFeatures(values, treatments, features, hash);
  const changed = treated?.some((value, index) => !Object.is(value, values?.[index])) ?? false;
  if (!changed && outputs === undefined) return answer;
  return {
    ...answer, isWithheld: true,
    ...(changed && treated !== undefined ? { features: packFeatures(treated) } : {}),
    ...(outputs === 'omit' ? { outputs: {} } : {}),
  };
}

function treatFeatures(values: readonly FeatureValue[], treatments: NonNullable<PrivacyPolicy['features']>, features: readonly FeatureSpec[] | undefined, hash: Hash): FeatureValue[] {
  if (features?.length !== values.length) return values.map(() => null);
  return values.map((value, index) => {
    const treatment = treatments[(features[index] as FeatureSpec).name];
    if (treatment === undefined || value === null) return value;
    return treatText(String(value), treatment, hash) ?? null;
  });
}
