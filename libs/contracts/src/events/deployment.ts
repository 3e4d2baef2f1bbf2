import { Type, type Static } from '@sinclair/typebox';
import { FeatureValue, Instant, Name, Optional } from './common.js';

export const FeatureSpec = Type.Object({
  name: Name('feature'),
  kind: Type.Union([Type.Literal('numeric'), Type.Literal('categorical')]),
  allowNaN: Optional(Type.Boolean()),
  monitored: Optional(Type.Boolean({ description: 'false for what varies by design, such as the hour: a window of traffic never looks like all of them' })),
  default: Optional(FeatureValue),
  from: Optional(
    Type.Object({
      view: Name('feature view'),
      viewVersion: Type.Integer({ minimum: 1 }),
      feature: Name('feature of the view'),
      entityRole: Name('role in the request’s entities'),
      maxAgeSeconds: Optional(Type.Number({ exclusiveMinimum: 0, description: 'older counts as missing' })),
    }),
  ),
});
export type FeatureSpec = Static<typeof FeatureSpec>;

export const TensorSpec = Type.Object({ name: Name('tensor'), datatype: Type.String(), shape: Type.Array(Type.Integer()) });
export type TensorSpec = Static<typeof TensorSpec>;

export const ModelSignature = Type.Object({
  inputs: Type.Array(TensorSpec, { description: 'as read from the graph; -1 is a free dimension' }),
  outputs: Type.Array(TensorSpec),
  features: Type.Array(FeatureSpec, { description: 'columns of the one input matrix, or one feature an input' }),
  entities: Optional(Type.Record(Type.String(), Type.String(), { description: 'role to entity type, such as origin: airport' })),
  task: Type.Union([Type.Literal('binary_classification'), Type.Literal('regression'), Type.Literal('other')]),
  score: Optional(
    Type.Object({
      output: Name('output that holds the score'),
      index: Type.Integer({ minimum: 0, description: 'within the row' }),
      threshold: Optional(Type.Number({ description: 'score at or above it is a positive decision' })),
    }),
  ),
});
export type ModelSignature = Static<typeof ModelSignature>;

export const ServedVersion = Type.Object({
  version: Type.String(),
  artifactSha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  signature: ModelSignature,
  share: Optional(Type.Number({ minimum: 0, maximum: 1, description: 'of the traffic, for challengers' })),
  baselineProfile: Optional(Type.Any({ description: 'frozen profile of features and outputs' })),
  metrics: Optional(Type.Record(Type.String(), Type.Number(), { description: 'on held-out data, such as auc; live quality is compared with them' })),
});
export type ServedVersion = Static<typeof ServedVersion>;

export const ModelDeployment = Type.Object(
  {
    model: Name('model'),
    revision: Type.Integer({ minimum: 1 }),
    updatedAt: Instant('when it was decided'),
    champion: Optional(ServedVersion),
    challengers: Type.Array(ServedVersion),
    shadows: Type.Array(ServedVersion),
    splitSalt: Optional(Type.String({ description: 'of the rollout that runs' })),
    maxBatchSize: Optional(Type.Integer({ minimum: 1 })),
  },
  { description: 'The whole serving assignment of a model (compacted).' },
);
export type ModelDeployment = Static<typeof ModelDeployment>;
