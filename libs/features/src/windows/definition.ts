/** What a feature may be worth: the wire's values (`null` is missing; integers beyond 2^53 travel as strings). */
export type FeatureScalar = number | string | boolean | null;

export const AGGREGATES = ['count', 'sum', 'mean', 'max', 'last', 'rate'] as const;

/**
 * How events in a window become one value:
 * - `count`: events; with a `field`, those whose field has a number;
 * - `rate`: the same, per second of the window;
 * - `sum`, `mean`, `max`: over the numbers in `field` (booleans count as 0 and 1; anything else is passed over);
 * - `last`: the newest value of `field` of any type; among equally new ones the greatest, so that order of arrival does not matter.
 */
export type Aggregate = (typeof AGGREGATES)[number];

export interface FeatureDefinition {
  readonly name: string;
  /** Events of this name are aggregated; see `feature.observed`. */
  readonly event: string;
  readonly aggregate: Aggregate;
  /** Which of the event's values; needed by all but `count` and `rate`. */
  readonly field?: string | undefined;
  /** Length of the event-time window that ends at the moment asked for. */
  readonly windowSeconds: number;
  /** The value of an empty window, for `mean`, `max` and `last`; without it that is `null`. */
  readonly default?: FeatureScalar | undefined;
}

/** Features of one type of entity, computed together. Executed alike by the feature store and by training. */
export interface FeatureViewDefinition {
  readonly name: string;
  readonly version: number;
  readonly entityType: string;
  readonly features: readonly FeatureDefinition[];
  /** Values older than this at the moment asked for are not served; without it any age is. */
  readonly maxAgeSeconds?: number | undefined;
}

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,199}$/;
/** Longer windows belong into a warehouse; the limit also keeps bucket numbers exact. */
const MAX_WINDOW_SECONDS = 400 * 24 * 3600;
const MAX_FEATURES = 200;

/** What is wrong with a definition, a sentence each that names the field; empty if nothing is. Accepts any parsed JSON. */
export function featureViewProblems(candidate: unknown): string[] {
  if (!isObject(candidate)) return ['the view must be an object'];
  const { name, version, entityType, features, maxAgeSeconds } = candidate;
  const problems: string[] = [];
  if (!isName(name)) problems.push('name must start with a letter and consist of letters, digits, "_", "." or "-"');
  // Feast's words join view and feature by two underscores; a view with them would be ambiguous there.
  if (typeof name === 'string' && name.includes('__')) problems.push('name must not contain "__"');
  if (!Number.isInteger(version) || (version as number) < 1) problems.push('version must be an integer from 1');
  if (!isName(entityType)) problems.push('entityType must be a name');
  if (maxAgeSeconds !== undefined && !(typeof maxAgeSeconds === 'number' && maxAgeSeconds > 0)) problems.push('maxAgeSeconds must be a number above 0');
  if (!Array.isArray(features) || features.length === 0) return [...problems, 'features must be a list with at least one feature'];
  if (features.length > MAX_FEATURES) problems.push(`features must be at most ${MAX_FEATURES}`);
  features.forEach((feature, index) => problems.push(...featureProblems(feature, `features[${index}]`)));
  const names = features.map((feature) => (isObject(feature) ? feature['name'] : undefined));
  if (new Set(names).size < names.length) problems.push('features must have different names');
  return problems;
}

function featureProblems(feature: unknown, where: string): string[] {
  if (!isObject(feature)) return [`${where} must be an object`];
  const { name, event, aggregate, field, windowSeconds, default: fallback } = feature;
  const problems: string[] = [];
  if (!isName(name)) problems.push(`${where}.name must be a name`);
  if (!isText(event)) problems.push(`${where}.event must be a text of 1 to 200 characters`);
  if (!AGGREGATES.includes(aggregate as Aggregate)) problems.push(`${where}.aggregate must be one of ${AGGREGATES.join(', ')}`);
  if (field !== undefined && !isText(field)) problems.push(`${where}.field must be a text of 1 to 200 characters`);
  if (field === undefined && aggregate !== 'count' && aggregate !== 'rate') problems.push(`${where}.field is needed by ${String(aggregate)}`);
  const inRange = typeof windowSeconds === 'number' && windowSeconds >= 1 && windowSeconds <= MAX_WINDOW_SECONDS;
  if (!inRange) problems.push(`${where}.windowSeconds must be between 1 and ${MAX_WINDOW_SECONDS}`);
  if (fallback !== undefined && !isScalar(fallback)) problems.push(`${where}.default must be a number, text, boolean or null`);
  return problems;
}

/** Whether two definitions compute and serve the same values under the same names, whatever their versions. */
export function sameFeatures(a: FeatureViewDefinition, b: FeatureViewDefinition): boolean {
  return canonical(a) === canonical(b);
}

function canonical({ name, entityType, maxAgeSeconds, features }: FeatureViewDefinition): string {
  return JSON.stringify([name, entityType, maxAgeSeconds, features.map((f) => [f.name, f.event, f.aggregate, f.field, f.windowSeconds, f.default])]);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isName = (value: unknown): value is string => typeof value === 'string' && NAME.test(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value.length >= 1 && value.length <= 200;
const isScalar = (value: unknown): value is FeatureScalar => value === null || ['number', 'string', 'boolean'].includes(typeof value);
