import { ERRORS, type ErrorCode, type FeatureSpec, type ModelSignature } from '@throughline/contracts';
import type { FeatureValue } from './features-codec.js';

/** One feature as the model saw it. */
export interface FeatureInStory {
  readonly name: string;
  readonly value: FeatureValue;
  /** Feature view it came from, such as `airport_traffic@1`; absent when the request brought it. */
  readonly view?: string;
  /** Role of the entity whose values they are, such as `origin`. */
  readonly entityRole?: string;
  /** How old the view's values were at the request's event time. */
  readonly ageSeconds?: number;
  /** The value is a default: nobody had one. */
  readonly defaulted?: true;
}

/**
 * Features as used, by name. Names come from the version's signature; values of a version that no deployment has described are
 * called by their position.
 */
export function nameFeatures(values: readonly FeatureValue[], signature: ModelSignature | undefined, ageSeconds: Readonly<Record<string, number>>, defaulted: readonly number[]): FeatureInStory[] {
  const specs = signature?.features.length === values.length ? signature.features : undefined;
  const defaults = new Set(defaulted);
  return values.map((value, index) => {
    const spec = specs?.[index];
    const from = spec?.from;
    const age = from === undefined ? undefined : ageOf(from, ageSeconds);
    return {
      name: spec?.name ?? positionalName(index), value,
      ...(from === undefined ? {} : { view: `${from.view}@${from.viewVersion}`, entityRole: from.entityRole }), ...(age === undefined ? {} : { ageSeconds: age }), ...(defaults.has(index) ? { defaulted: true as const } : {}),
    };
  });
}

export const positionalName = (index: number): string => `feature_${index}`;

/** Workers name an age by its view, and by the role too where a model reads one view of several entities. */
const ageOf = ({ view, viewVersion, entityRole }: NonNullable<FeatureSpec['from']>, ageSeconds: Readonly<Record<string, number>>): number | undefined =>
  ageSeconds[`${view}/${entityRole}`] ?? ageSeconds[view] ?? ageSeconds[`${view}@${viewVersion}`];

/** What would help, by the code of a rejection. */
export const cureOf = (code: string): string | undefined => ERRORS[code as ErrorCode]?.cure;
