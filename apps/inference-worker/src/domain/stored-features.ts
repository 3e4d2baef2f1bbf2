import { featureKey, type ModelSignature } from '@throughline/contracts';
import type { FeatureScalar } from '@throughline/features';

/** Values of a feature view for an entity, at an event time. */
export interface StoredValues {
  readonly values: Readonly<Record<string, FeatureScalar>>;
  /** Epoch milliseconds. */
  readonly eventTimeMs: number;
  /** Breaks ties of event time. */
  readonly sequence: number;
}

/** Whether `candidate` replaces `held`: only a newer pair of event time and sequence does, so a slow read never undoes a push. */
export function isNewer(candidate: StoredValues, held: StoredValues): boolean {
  if (candidate.eventTimeMs !== held.eventTimeMs) return candidate.eventTimeMs > held.eventTimeMs;
  return candidate.sequence > held.sequence;
}

/** One read of a model: a view in a role, and which features it fills. */
export interface Lookup {
  readonly view: string;
  readonly viewVersion: number;
  readonly entityType: string;
  readonly entityRole: string;
  /** Under which name the age is reported: the view, with its role where the model reads it in several. */
  readonly label: string;
  readonly keyPrefix: string;
  readonly features: readonly { readonly index: number; readonly feature: string; readonly maxAgeSeconds: number | undefined }[];
}

export class LookupError extends Error {
  override readonly name = 'LookupError';
}

/**
 * The reads that a model's stored features need.
 *
 * @throws LookupError when a feature names a role that the signature's entities lack.
 */
export function planLookups({ features, entities }: Pick<ModelSignature, 'features' | 'entities'>): Lookup[] {
  const lookups = new Map<string, Lookup & { features: Lookup['features'][number][] }>();
  const rolesOfView = new Map<string, Set<string>>();
  features.forEach(({ name, from }, index) => {
    if (from === undefined) return;
    const { view, viewVersion, entityRole, feature, maxAgeSeconds } = from;
    const entityType = entities?.[entityRole];
    if (entityType === undefined) throw new LookupError(`feature “${name}” is looked up by the role “${entityRole}”, which the signature’s entities lack`);
    const keyPrefix = featureKey(view, viewVersion, entityType, '');
    const id = `${keyPrefix}${entityRole}`;
    const lookup = lookups.get(id) ?? { view, viewVersion, entityType, entityRole, label: view, keyPrefix, features: [] };
    lookup.features.push({ index, feature, maxAgeSeconds });
    lookups.set(id, lookup);
    rolesOfView.set(view, (rolesOfView.get(view) ?? new Set()).add(entityRole));
  });
  return [...lookups.values()].map((lookup) => (rolesOfView.get(lookup.view)!.size > 1 ? { ...lookup, label: `${lookup.view}/${lookup.entityRole}` } : lookup));
}

/** What the store contributes to a row: values in the order of the features, and their ages against the request's event time. */
export interface StoredRow {
  readonly values: (FeatureScalar | undefined)[];
  readonly ageSeconds: Record<string, number> | undefined;
}

/**
 * @param found what each lookup found, in the order of `lookups`; `undefined` is nothing
 * @param occurredAtMs event time of the request; values older than a feature's `maxAgeSeconds` before it count as missing
 */
export function storedRow(lookups: readonly Lookup[], found: readonly (StoredValues | undefined)[], featureCount: number, occurredAtMs: number): StoredRow {
  const values = new Array<FeatureScalar | undefined>(featureCount).fill(undefined);
  let ages: Record<string, number> | undefined;
  for (let at = 0; at < lookups.length; at++) {
    const stored = found[at];
    if (stored === undefined) continue;
    const { label, features } = lookups[at]!;
    const ageSeconds = (occurredAtMs - stored.eventTimeMs) / 1000;
    (ages ??= {})[label] = ageSeconds;
    for (const { index, feature, maxAgeSeconds } of features) {
      if (maxAgeSeconds !== undefined && ageSeconds > maxAgeSeconds) continue;
      if (Object.hasOwn(stored.values, feature)) values[index] = stored.values[feature];
    }
  }
  return { values, ageSeconds: ages };
}
