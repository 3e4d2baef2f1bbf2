import { Type, type Static, type TObject, type TSchema } from '@sinclair/typebox';
import { FeatureSpec, FeatureValue, GoldenInputs, ModelPolicy, ServingRequest } from '@throughline/contracts';

const closed = <P extends Record<string, TSchema>>(properties: P, description?: string) => Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) });
/** A contract's object; here unknown fields are typing errors. */
const strict = <P extends TObject>({ properties, description }: P): TObject<P['properties']> => Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) }) as TObject<P['properties']>;
const text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 500, description }));
const path = (description: string) => Type.Optional(Type.String({ minLength: 1, description: `${description}; relative to this file` }));

const Feature = strict(Type.Object({ ...FeatureSpec.properties, from: Type.Optional(strict(FeatureSpec.properties.from)) }));
const GoldenRow = closed({
  features: Type.Optional(Type.Record(Type.String(), FeatureValue)),
  values: Type.Optional(Type.Array(FeatureValue)),
  outputs: Type.Optional(GoldenInputs.properties.rows.items.properties.outputs),
});

const VersionFile = closed({
  artifact: Type.String({ minLength: 1, description: 'the .onnx or .rules.json file; relative to this file' }),
  signature: path('Ed25519 signature of the artifact: openssl pkeyutl -sign -inkey key.pem -rawin -in model.onnx -out model.onnx.sig'),
  reference: path('Parquet, JSON Lines or CSV with one column a feature, and score; drift is measured against it'),
  metadata: path('JSON with any of the fields below, as a training script writes it; a field stands in one of the two'),
  modelCard: path('Markdown'),
  features: Type.Optional(Type.Array(Feature, { minItems: 1, maxItems: 10_000, description: 'in the order of the input’s columns, or one for each input' })),
  task: Type.Optional(Type.Union([Type.Literal('binary_classification'), Type.Literal('regression'), Type.Literal('other')])),
  score: Type.Optional(closed({ output: Type.String({ minLength: 1 }), index: Type.Optional(Type.Integer({ minimum: 0 })), threshold: Type.Optional(Type.Number()) }, 'which output is the score, and from where on it decides yes')),
  entities: Type.Optional(Type.Record(Type.String({ minLength: 1 }), Type.String({ minLength: 1 }), { description: 'role to entity type, such as origin: airport' })),
  dataset: Type.Optional(Type.Union([Type.String({ minLength: 1 }), Type.Record(Type.String(), Type.Any())], { description: 'what it was trained on: {snapshotId, sha256}' })),
  codeCommit: text('commit of the training code'),
  metrics: Type.Optional(Type.Record(Type.String(), Type.Number(), { description: 'measured on held-out data' })),
  hyperparameters: Type.Optional(Type.Record(Type.String(), Type.Any())),
  environmentSha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$', description: 'of the lock file of the training environment' })),
  trainer: text('what trained it'),
  trainerVersion: text('and which version of that'),
  parentVersion: text('version of the same model that it was trained to replace'),
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  golden: Type.Optional(closed({
    rows: Type.Array(GoldenRow, { minItems: 1, maxItems: 32 }),
    absoluteTolerance: Type.Optional(Type.Number({ minimum: 0 })),
    relativeTolerance: Type.Optional(Type.Number({ minimum: 0 })),
  }, 'inputs with the outputs that every worker must see before the version serves; without outputs they are computed once and frozen')),
}, 'what is served; a change of anything here is a new version');

const ServingFile = closed({
  latencyBudgetMs: Type.Optional(ServingRequest.latencyBudgetMs),
  batching: Type.Optional(ServingRequest.batching),
  breaker: Type.Optional(ServingRequest.breaker),
  fallbacks: Type.Optional(ServingRequest.fallbacks),
  requestTopics: Type.Optional(ServingRequest.requestTopics),
}, 'how it is served, whichever version serves; left alone where this section is missing');

const RetrainingFile = closed({
  enabled: Type.Optional(Type.Boolean({ description: 'whether alerts and the schedule may start a run' })),
  minLabels: Type.Optional(Type.Integer({ minimum: 100, description: 'joined outcomes that a training set needs' })),
  cooldownSeconds: Type.Optional(Type.Number({ minimum: 0, description: 'wall time between a run and the next that an alert may start' })),
  trigger: Type.Optional(closed({
    kinds: Type.Array(Type.Union([Type.Literal('quality'), Type.Literal('data_drift'), Type.Literal('prediction_drift')]), { minItems: 1 }),
    minTier: Type.Union([Type.Literal('warn'), Type.Literal('alarm')]),
  }, 'which alerts are evidence')),
  windowSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'event time that the training set reaches back' })),
  maturitySeconds: Type.Optional(Type.Number({ minimum: 0, description: 'event time that outcomes usually take' })),
  heldOutFraction: Type.Optional(Type.Number({ minimum: 0.05, maximum: 0.5, description: 'share of the latest rows to judge by' })),
  l2: Type.Optional(Type.Number({ minimum: 0, description: 'penalty on the weights' })),
  schedule: Type.Optional(closed({
    cron: Type.String({ minLength: 9, maxLength: 200, description: 'minute, hour, day of month, month, day of week' }),
    timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'of the IANA database, such as Europe/Berlin; UTC by default' })),
  }, 'when to retrain whatever the alerts say')),
}, 'when and on what it is retrained; left alone where this section is missing');

const FeatureViewFile = closed({
  name: Type.String({ minLength: 1, maxLength: 200 }),
  entityType: Type.String({ minLength: 1 }),
  maxAgeSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'older values count as missing' })),
  features: Type.Array(closed({
    name: Type.String({ minLength: 1 }),
    event: Type.String({ minLength: 1, description: 'events of feature.observed with this name are aggregated' }),
    aggregate: Type.String({ minLength: 1, description: 'such as mean, count, last' }),
    field: Type.Optional(Type.String({ minLength: 1 })),
    windowSeconds: Type.Number({ exclusiveMinimum: 0 }),
    default: Type.Optional(FeatureValue),
  }), { minItems: 1 }),
}, 'a changed definition is a new version of the view');

/** One file that says everything about a model: `model.yaml`. */
export const ModelFile = Type.Object({
  throughline: Type.Literal(1, { description: 'of this format' }),
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$', description: 'of the model' }),
  ...ModelPolicy.properties,
  version: Type.Optional(VersionFile),
  serving: Type.Optional(ServingFile),
  retraining: Type.Optional(RetrainingFile),
  featureViews: Type.Optional(Type.Array(FeatureViewFile, { maxItems: 50 })),
}, { additionalProperties: false, title: 'Throughline model', description: 'One file that says everything about a model; apply it with: npx throughline apply model.yaml' });
export type ModelFile = Static<typeof ModelFile>;

export const POLICY_FIELDS = Object.keys(ModelPolicy.properties) as (keyof ModelPolicy)[];
/** Fields of `version` that name files. */
export const FILE_FIELDS = ['artifact', 'signature', 'reference', 'metadata', 'modelCard'] as const;

/** The JSON Schema of the file, for editors. */
export const modelFileSchema = (): object => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...(JSON.parse(JSON.stringify(ModelFile)) as object) });
