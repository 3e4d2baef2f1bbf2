import { RulesError } from './errors.js';

export const MAX_DOCUMENT_BYTES = 256 * 1024;
const MAX_FEATURES = 512;
const MAX_OUTPUTS = 32;
const MAX_NAME_LENGTH = 120;

export type RulesTask = 'binary_classification' | 'regression' | 'other';

/** One feature; what a model's signature says of a feature beyond this (`from`, `monitored`) is kept as it is. */
export interface RulesFeature {
  readonly name: string;
  /** Numeric features are doubles in an expression, categorical ones are strings. */
  readonly kind: 'numeric' | 'categorical';
  readonly default?: number | string;
  readonly allowNaN?: boolean;
  readonly monitored?: boolean;
  readonly from?: { view: string; viewVersion: number; feature: string; entityRole: string; maxAgeSeconds?: number };
}

/** A model written down as expressions. */
export interface RulesDocument {
  /** Version of this form. */
  readonly throughlineRules: 1;
  readonly description?: string;
  readonly features: readonly RulesFeature[];
  /** Role to entity type, as in any signature. */
  readonly entities?: Readonly<Record<string, string>>;
  /** Expression by name of the output. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Output that holds the score. */
  readonly score?: string;
  /** A score at or above it is a positive decision. */
  readonly threshold?: number;
  readonly task?: RulesTask;
}

const KEYS = new Set(['throughlineRules', 'description', 'features', 'entities', 'outputs', 'score', 'threshold', 'task']);
const FEATURE_KEYS = new Set(['name', 'kind', 'default', 'allowNaN', 'monitored', 'from']);
const TASKS = new Set<unknown>(['binary_classification', 'regression', 'other']);

const EXAMPLE_CURE = 'Compare the document with the example in docs/serving.md.';
const refuse = (reason: string, cure = EXAMPLE_CURE): never => {
  throw new RulesError(reason, { cure });
};
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Reads the form of a document; its expressions are `compileRules`'s business.
 *
 * @throws RulesError
 */
export function readDocument(bytes: Uint8Array): RulesDocument {
  if (bytes.byteLength > MAX_DOCUMENT_BYTES) refuse(`the document has ${bytes.byteLength} bytes, ${MAX_DOCUMENT_BYTES} are allowed`, 'Train a model for what needs so many rules.');
  const document = parseJson(bytes);
  if (!isObject(document)) return refuse('the document is not a JSON object');
  if (document['throughlineRules'] !== 1) refuse('“throughlineRules” must be 1, the version of the form');
  const unknown = Object.keys(document).find((key) => !KEYS.has(key));
  if (unknown !== undefined) refuse(`“${unknown}” is not a field of a rules document`);
  checkFeatures(document['features']);
  checkOutputs(document['outputs']);
  checkDecision(document);
  return document as unknown as RulesDocument;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    return refuse(`the document is not JSON: ${(cause as Error).message}`, 'Upload UTF-8 JSON.');
  }
}

function checkFeatures(features: unknown): void {
  if (!Array.isArray(features) || features.length === 0) return refuse('“features” must list at least one feature');
  if (features.length > MAX_FEATURES) refuse(`${features.length} features are more than ${MAX_FEATURES}`);
  for (const [index, feature] of features.entries()) checkFeature(feature, index);
  const names = new Set(features.map(({ name }: RulesFeature) => name));
  if (names.size < features.length) refuse('two features have the same name');
}

function checkFeature(feature: unknown, index: number): void {
  if (!isObject(feature) || !isName(feature['name'])) return refuse(`feature ${index + 1} has no name of 1 to ${MAX_NAME_LENGTH} characters`);
  const name = feature['name'] as string;
  const { kind } = feature;
  if (kind !== 'numeric' && kind !== 'categorical') refuse(`feature “${name}” is neither numeric nor categorical`);
  const unknown = Object.keys(feature).find((key) => !FEATURE_KEYS.has(key));
  if (unknown !== undefined) refuse(`feature “${name}” has an unknown field “${unknown}”`);
  const expected = kind === 'numeric' ? 'number' : 'string';
  if (feature['default'] !== undefined && typeof feature['default'] !== expected) refuse(`the default of the ${kind as string} feature “${name}” must be a ${expected}`);
  for (const flag of ['allowNaN', 'monitored']) if (feature[flag] !== undefined && typeof feature[flag] !== 'boolean') refuse(`“${flag}” of feature “${name}” must be true or false`);
}

function checkOutputs(outputs: unknown): void {
  if (!isObject(outputs)) return refuse('“outputs” must be an object of name to expression');
  const names = Object.keys(outputs);
  if (names.length === 0 || names.length > MAX_OUTPUTS) refuse(`there are ${names.length} outputs; 1 to ${MAX_OUTPUTS} are allowed`);
  for (const name of names) {
    if (!isName(name) || name in Object.prototype) refuse(`an output cannot be called “${name}”`);
    if (typeof outputs[name] !== 'string') refuse(`output “${name}” must be an expression in a string`, 'Put the expression in quotes.');
  }
}

function checkDecision({ outputs, score, threshold, task, entities, description }: Record<string, unknown>): void {
  if (score !== undefined && !(typeof score === 'string' && Object.hasOwn(outputs as object, score))) refuse('“score” must name one of the outputs');
  if (threshold !== undefined && typeof threshold !== 'number') refuse('“threshold” must be a number');
  if (threshold !== undefined && score === undefined) refuse('a “threshold” needs a “score” to compare with');
  if (task !== undefined && !TASKS.has(task)) refuse(`“task” must be one of ${[...TASKS].join(', ')}`);
  if (description !== undefined && typeof description !== 'string') refuse('“description” must be text');
  const areTypes = entities === undefined || (isObject(entities) && Object.values(entities).every((type) => typeof type === 'string'));
  if (!areTypes) refuse('“entities” must be an object of role to entity type');
}

const isName = (name: unknown): boolean => typeof name === 'string' && name.length >= 1 && name.length <= MAX_NAME_LENGTH;
