import { Type, type Static } from '@sinclair/typebox';
import { ContractError, FeatureSpec } from '@throughline/contracts';
import { Ajv } from 'ajv';
import { GoldenRequest } from './golden.js';
import { SCORE } from './names.js';
import { describeSchemaError } from './schema-error.js';

const ShortText = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 500, description }));

const Features = Type.Array(FeatureSpec, { minItems: 1, maxItems: 10_000, description: 'of a graph: in the order of the input’s columns, or one for each input' });
const Task = Type.Union([Type.Literal('binary_classification'), Type.Literal('regression'), Type.Literal('other')], { description: 'of a graph' });

const Dataset = Type.Object({
  snapshotId: Type.Optional(Type.String({ minLength: 1, maxLength: 500, description: 'of the data set, where it is kept' })),
  sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'of its rows' })),
}, { additionalProperties: true });

/** What an uploader says about a model, beside the artifact itself. */
export const UploadMetadata = Type.Object(
  {
    format: Type.Optional(Type.Union([Type.Literal('onnx'), Type.Literal('rules')], { description: 'of the artifact; by default as its name and content say' })),
    features: Type.Optional(Features),
    task: Type.Optional(Task),
    score: Type.Optional(
      Type.Object({
        output: Type.String({ minLength: 1, description: 'output that holds the score' }),
        index: Type.Optional(Type.Integer({ minimum: 0, description: 'within the row; default 0' })),
        threshold: Type.Optional(Type.Number({ description: 'score at or above it is a positive decision' })),
      }),
    ),
    entities: Type.Optional(Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), { description: 'role to entity type, such as origin: airport' })),
    metrics: Type.Optional(Type.Record(Type.String(), Type.Number(), { description: 'measured on held-out data' })),
    trainer: ShortText('what trained it'),
    trainerVersion: ShortText('version of what trained it'),
    parentVersion: ShortText('version of the same model that it was trained to replace'),
    dataset: Type.Optional(Type.Union([Type.String(), Dataset], { description: 'what it was trained on: its snapshot and hash, and whatever else tells it apart' })),
    codeCommit: ShortText('commit of the training code'),
    environmentSha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'of what pins the training environment: a lock file, an image' })),
    hyperparameters: Type.Optional(Type.Record(Type.String(), Type.Any())),
    golden: Type.Optional(GoldenRequest),
    owner: ShortText('person who answers for it'),
    team: ShortText('team that pays for it'),
    tags: Type.Optional(Type.Record(Type.String(), Type.String())),
    modelCard: Type.Optional(Type.String({ maxLength: 200_000, description: 'Markdown' })),
  },
  { additionalProperties: false },
);
export type UploadMetadata = Static<typeof UploadMetadata>;
/** Of a graph, which knows its tensors and not what they mean. */
export type GraphMetadata = UploadMetadata & { readonly features: FeatureSpec[]; readonly task: Static<typeof Task> };

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });
const validate = ajv.compile<UploadMetadata>(UploadMetadata);
const validateFeatures = ajv.compile<FeatureSpec[]>(Features);
const FEATURE_FIELDS = new Set(Object.keys(FeatureSpec.properties));
/** What a rules document says itself. */
const OF_THE_DOCUMENT = ['features', 'task', 'score', 'entities'] as const;

/**
 * Reads the metadata of an upload.
 *
 * @throws ContractError `invalid_request`, naming the field
 */
export function parseMetadata(text: string): UploadMetadata {
  const metadata = parseJson(text);
  if (!validate(metadata)) throw invalid(describeSchemaError(validate.errors?.[0]));
  if (metadata.features !== undefined) checkMeaning(metadata.features, metadata.entities, invalid);
  return metadata;
}

/** @throws ContractError `invalid_request` when it does not say what an ONNX graph needs said */
export function ofGraph(metadata: UploadMetadata): GraphMetadata {
  const { features, task } = metadata;
  if (features === undefined) throw invalid('features are missing');
  if (task === undefined) throw invalid('task is missing');
  return { ...metadata, features, task };
}

/** @throws ContractError `invalid_request` when it says what a rules document says itself */
export function ofRules(metadata: UploadMetadata): UploadMetadata {
  const twice = OF_THE_DOCUMENT.find((field) => metadata[field] !== undefined);
  if (twice === undefined) return metadata;
  throw new ContractError('invalid_request', `metadata: “${twice}” of rules stands in their document`, { cure: 'Leave it out of the metadata.' });
}

/**
 * Checks features wherever they were written down: their form and what they mean together.
 *
 * @throws what `refuse` makes of the reason
 */
export function checkFeatures(features: unknown, entities: Readonly<Record<string, string>> | undefined, refuse: Refuse): void {
  if (!validateFeatures(features)) throw refuse(describeSchemaError(validateFeatures.errors?.[0], 'features'));
  checkMeaning(features, entities, refuse);
}

type Refuse = (reason: string) => ContractError;

function checkMeaning(features: readonly FeatureSpec[], entities: Readonly<Record<string, string>> = {}, refuse: Refuse): void {
  for (const [index, feature] of features.entries()) {
    const unknown = Object.keys(feature).find((key) => !FEATURE_FIELDS.has(key));
    if (unknown !== undefined) throw refuse(`features.${index} has an unknown field “${unknown}”`);
    if (feature.name === SCORE) throw refuse(`a feature cannot be called “${SCORE}”: references and exports hold the model’s score under it`);
    checkDefault(feature, refuse);
    checkRole(feature, entities, refuse);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(`it is not JSON: ${(error as Error).message}`);
  }
}

/** A default of the wrong type would reject every request that needs it. */
function checkDefault(feature: FeatureSpec, refuse: Refuse): void {
  const { name, kind, default: value, allowNaN } = feature;
  if (value === undefined || value === null) return;
  if (kind === 'categorical' && typeof value !== 'string') throw refuse(`the default of “${name}” must be text, as the feature is categorical`);
  if (kind === 'categorical' || typeof value === 'number' || typeof value === 'boolean') return;
  const isNotFinite = ['NaN', 'Infinity', '-Infinity'].includes(value);
  if (isNotFinite && allowNaN !== true) throw refuse(`the default of “${name}” is ${value}, which needs allowNaN`);
  if (!isNotFinite && !/^[+-]?\d+$/.test(value)) throw refuse(`the default of “${name}” must be a number`);
}

function checkRole({ name, from }: FeatureSpec, entities: Readonly<Record<string, string>>, refuse: Refuse): void {
  if (from === undefined || Object.hasOwn(entities, from.entityRole)) return;
  throw refuse(`feature “${name}” is looked up by the entity role “${from.entityRole}”, which entities does not name`);
}

const invalid = (reason: string): ContractError => new ContractError('invalid_request', `metadata: ${reason}`, { cure: 'Compare the metadata with /openapi.json.' });
