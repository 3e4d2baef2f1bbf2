import { Type, type Static } from '@sinclair/typebox';
import { ContractError, FeatureSpec } from '@throughline/contracts';
import { Ajv } from 'ajv';
import { SCORE } from './names.js';

const ShortText = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 500, description }));

/** What an uploader says about a model, beside the graph itself. */
export const UploadMetadata = Type.Object(
  {
    features: Type.Array(FeatureSpec, { minItems: 1, maxItems: 10_000, description: 'in the order of the input’s columns, or one for each input' }),
    task: Type.Union([Type.Literal('binary_classification'), Type.Literal('regression'), Type.Literal('other')]),
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
    parentVersion: ShortText('version of the same model that it was trained to replace'),
    dataset: Type.Optional(Type.Union([Type.String(), Type.Record(Type.String(), Type.Any())], { description: 'what it was trained on' })),
    codeCommit: ShortText('commit of the training code'),
    hyperparameters: Type.Optional(Type.Record(Type.String(), Type.Any())),
    owner: ShortText('person who answers for it'),
    team: ShortText('team that pays for it'),
    tags: Type.Optional(Type.Record(Type.String(), Type.String())),
    modelCard: Type.Optional(Type.String({ maxLength: 200_000, description: 'Markdown' })),
  },
  { additionalProperties: false },
);
export type UploadMetadata = Static<typeof UploadMetadata>;

const validate = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true }).compile<UploadMetadata>(UploadMetadata);
const FEATURE_FIELDS = new Set(Object.keys(FeatureSpec.properties));

/**
 * Reads the metadata of an upload.
 *
 * @throws ContractError `invalid_request`, naming the field
 */
export function parseMetadata(text: string): UploadMetadata {
  const metadata = parseJson(text);
  if (!validate(metadata)) throw invalid(describe(validate.errors?.[0]));
  for (const [index, feature] of metadata.features.entries()) {
    const unknown = Object.keys(feature).find((key) => !FEATURE_FIELDS.has(key));
    if (unknown !== undefined) throw invalid(`features.${index} has an unknown field “${unknown}”`);
    if (feature.name === SCORE) throw invalid(`a feature cannot be called “${SCORE}”: references and exports hold the model’s score under it`);
    checkDefault(feature);
    checkRole(feature, metadata.entities ?? {});
  }
  return metadata;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(`it is not JSON: ${(error as Error).message}`);
  }
}

/** A default of the wrong type would reject every request that needs it. */
function checkDefault(feature: FeatureSpec): void {
  const { name, kind, default: value, allowNaN } = feature;
  if (value === undefined || value === null) return;
  if (kind === 'categorical' && typeof value !== 'string') throw invalid(`the default of “${name}” must be text, as the feature is categorical`);
  if (kind === 'categorical' || typeof value === 'number' || typeof value === 'boolean') return;
  const isNotFinite = ['NaN', 'Infinity', '-Infinity'].includes(value);
  if (isNotFinite && allowNaN !== true) throw invalid(`the default of “${name}” is ${value}, which needs allowNaN`);
  if (!isNotFinite && !/^[+-]?\d+$/.test(value)) throw invalid(`the default of “${name}” must be a number`);
}

function checkRole({ name, from }: FeatureSpec, entities: Readonly<Record<string, string>>): void {
  if (from === undefined || Object.hasOwn(entities, from.entityRole)) return;
  throw invalid(`feature “${name}” is looked up by the entity role “${from.entityRole}”, which entities does not name`);
}

const invalid = (reason: string): ContractError => new ContractError('invalid_request', `metadata: ${reason}`, { cure: 'Compare the metadata with /openapi.json.' });

function describe(error: { instancePath: string; message?: string; params: Record<string, unknown> } | undefined): string {
  const where = error === undefined || error.instancePath === '' ? 'it' : error.instancePath.slice(1).replaceAll('/', '.');
  const extra = error?.params['additionalProperty'];
  return extra === undefined ? `${where} ${error?.message ?? 'is invalid'}` : `${where} has an unknown field “${String(extra)}”`;
}
