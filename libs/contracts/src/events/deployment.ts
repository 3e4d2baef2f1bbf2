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
  format: Optional(Type.Union([Type.Literal('onnx'), Type.Literal('rules')], { description: 'what the artifact is: an ONNX graph (the default), or a rules document' })),
  artifactSha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  signature: ModelSignature,
  share: Optional(Type.Number({ minimum: 0, maximum: 1, description: 'of the traffic, for challengers' })),
  baselineProfile: Optional(Type.Any({ description: 'frozen profile of features and outputs' })),
  metrics: Optional(Type.Record(Type.String(), Type.Number(), { description: 'on held-out data, such as auc; live quality is compared with them' })),
});
export type ServedVersion = Static<typeof ServedVersion>;

/** The stages of a prediction, in their order. Their sum is what the requester waits for. */
export const STAGES = ['transport', 'queue', 'features', 'preprocess', 'inference', 'postprocess', 'publish'] as const;
export type Stage = (typeof STAGES)[number];

const stageMs = Optional(Type.Number({ exclusiveMinimum: 0 }));
export const LatencyBudget = Type.Object(
  { transport: stageMs, queue: stageMs, features: stageMs, preprocess: stageMs, inference: stageMs, postprocess: stageMs, publish: stageMs },
  { description: 'milliseconds that each stage may take; what is absent has no budget' },
);
export type LatencyBudget = Static<typeof LatencyBudget>;

export const Batching = Type.Object(
  {
    maxBatchSize: Optional(Type.Integer({ minimum: 1, description: 'rows of one run' })),
    maxDelayMs: Optional(Type.Number({ minimum: 0, description: 'how long the first row of a batch may wait for others; 0 by default: what gathers during a run is the next batch' })),
  },
  { description: 'how rows become runs' },
);
export type Batching = Static<typeof Batching>;

/** What answers when the version that should have cannot; tried in the order of the deployment. */
export const Fallback = Type.Union([
  Type.Object({
    kind: Type.Literal('last_known_good'),
    maxAgeSeconds: Type.Number({ exclusiveMinimum: 0, description: 'an older answer for the routing key is none' }),
  }),
  Type.Object({ kind: Type.Literal('previous_version'), served: ServedVersion }),
  Type.Object({ kind: Type.Literal('rules'), served: ServedVersion }),
  Type.Object({
    kind: Type.Literal('constant'),
    outputs: Type.Record(Type.String(), Type.Array(Type.Any()), { description: 'output name to the values of a row' }),
    score: Optional(Type.Number()),
  }),
]);
export type Fallback = Static<typeof Fallback>;

export const BreakerPolicy = Type.Object(
  {
    failureShare: Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'of the calls in the window; 0.5 by default' })),
    windowSeconds: Optional(Type.Number({ exclusiveMinimum: 0, description: '10 by default' })),
    minCallsPerSecond: Optional(Type.Number({ minimum: 0, description: 'with fewer the breaker stays closed; 1 by default' })),
    openSeconds: Optional(Type.Number({ exclusiveMinimum: 0, description: 'until one call is tried again; 5 by default' })),
  },
  { description: 'when a version that keeps failing is no longer asked' },
);
export type BreakerPolicy = Static<typeof BreakerPolicy>;

/** A request topic of a deployment’s own: a lane’s topic and a name. */
export const OWN_REQUEST_TOPIC = '^prediction\\.requested(\\.batch)?\\.v1\\.[a-z0-9][a-z0-9-]{0,60}$';

/** How a model is served, whichever versions serve it. */
export const servingPolicy = {
  batching: Optional(Batching),
  latencyBudgetMs: Optional(LatencyBudget),
  fallbacks: Optional(Type.Array(Fallback, { maxItems: 8 })),
  breaker: Optional(BreakerPolicy),
  requestTopics: Optional(Type.Array(Type.String({ pattern: OWN_REQUEST_TOPIC }), { maxItems: 16, description: 'further topics that workers read requests from, apart from everybody else’s' })),
};

export const ModelDeployment = Type.Object(
  {
    model: Name('model'),
    revision: Type.Integer({ minimum: 1 }),
    updatedAt: Instant('when it was decided'),
    champion: Optional(ServedVersion),
    challengers: Type.Array(ServedVersion),
    shadows: Type.Array(ServedVersion),
    splitSalt: Optional(Type.String({ description: 'of the rollout that runs' })),
    maxBatchSize: Optional(Type.Integer({ minimum: 1, description: 'older form of batching.maxBatchSize' })),
    ...servingPolicy,
  },
  { description: 'The whole serving assignment of a model (compacted).' },
);
export type ModelDeployment = Static<typeof ModelDeployment>;
