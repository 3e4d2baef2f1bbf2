import { Type, type Static } from '@sinclair/typebox';
import { FeatureValue, Instant, Name, Optional, Role, Tensor, requestIdentity } from './common.js';

export const PredictionRequested = Type.Object(
  {
    model: Name('model to ask'),
    version: Optional(Type.String({ maxLength: 200, description: 'pins a version; such an answer counts for no rollout guard' })),
    features: Optional(Type.Record(Type.String(), FeatureValue, { description: 'named features' })),
    inputs: Optional(Type.Array(Tensor, { description: 'Open Inference Protocol tensors of one row' })),
    entities: Optional(Type.Record(Type.String(), Type.String({ maxLength: 500 }), { description: 'role to entity id; where stored features are looked up' })),
    occurredAt: Optional(Instant('event time; else the envelope’s time, else the Kafka timestamp')),
    routingKey: Optional(Type.String({ maxLength: 500, description: 'decides key, order and split' })),
    deadlineMs: Optional(Type.Number({ exclusiveMinimum: 0, description: 'milliseconds after the Kafka timestamp' })),
    priority: Optional(Type.Integer({ minimum: 1, maximum: 9, description: '1 goes first' })),
    team: Optional(Type.String({ maxLength: 200 })),
  },
  { description: 'Somebody wants a prediction.' },
);
export type PredictionRequested = Static<typeof PredictionRequested>;

export const FeaturesAsUsed = Type.Object({
  values: Type.Array(FeatureValue, { description: 'in the order of the version’s signature' }),
  ageSeconds: Optional(Type.Record(Type.String(), Type.Number(), { description: 'per view, relative to the request’s event time' })),
  defaulted: Optional(Type.Array(Type.Integer({ minimum: 0 }), { description: 'indices of the values that are defaults' })),
});
export type FeaturesAsUsed = Static<typeof FeaturesAsUsed>;

export const StageTimings = Type.Object(
  {
    transport: Optional(Type.Number()),
    queue: Optional(Type.Number()),
    features: Optional(Type.Number()),
    preprocess: Optional(Type.Number()),
    inference: Optional(Type.Number()),
    postprocess: Optional(Type.Number()),
    total: Optional(Type.Number()),
  },
  { description: 'milliseconds a stage; fields are added as stages are measured' },
);

export type StageTimings = Static<typeof StageTimings>;

export const PredictionScored = Type.Object(
  {
    ...requestIdentity,
    model: Name('model that answered'),
    version: Type.String(),
    artifactSha256: Type.String(),
    role: Role,
    assignmentRevision: Type.Integer({ minimum: 0 }),
    propensity: Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'chance that such a request is answered by this version, while several share the traffic; absent when it was certain' })),
    outputs: Type.Record(Type.String(), Type.Array(Type.Any()), { description: 'output name to the values of this row' }),
    score: Optional(Type.Number({ description: 'the one number that monitoring follows, as the signature says' })),
    features: FeaturesAsUsed,
    timingsMs: StageTimings,
    batchSize: Type.Integer({ minimum: 1 }),
    scoredAt: Instant('processing time of the answer'),
    worker: Type.String({ description: 'instance that answered' }),
    runtime: Optional(Type.String({ description: 'runtime, its version and its threads' })),
    costMicroUsd: Optional(Type.Number({ description: 'estimate, in millionths of a dollar: this row’s part of its run’s time, times the configured price of computing' })),
    fallback: Optional(
      Type.Object(
        { kind: Type.String({ description: 'last_known_good, previous_version, rules or constant' }), reason: Type.String({ description: 'code of the error instead of which it answers' }), insteadOf: Optional(Type.String({ description: 'version that should have answered' })) },
        { description: 'the version that should have answered could not; features.values may then be empty' },
      ),
    ),
  },
  { description: 'The answer.' },
);
export type PredictionScored = Static<typeof PredictionScored>;

export const PredictionShadowed = Type.Object({
  ...PredictionScored.properties,
  answered: Optional(
    Type.Object(
      { version: Type.String(), role: Role, score: Optional(Type.Number()), totalMs: Optional(Type.Number({ description: 'milliseconds from request to answer' })) },
      { description: 'the answer that was given: what the shadow is compared with' },
    ),
  ),
  failed: Optional(
    Type.Object({ code: Type.String({ description: 'from the closed list of error codes' }), reason: Type.String() }, { description: 'the shadow could not have answered; outputs and features.values are then empty' }),
  ),
}, { description: 'What a shadow would have answered.' });
export type PredictionShadowed = Static<typeof PredictionShadowed>;

export const PredictionRejected = Type.Object(
  {
    ...requestIdentity,
    model: Optional(Type.String({ description: 'absent when the request could not be read' })),
    version: Optional(Type.String({ description: 'pinned by the request, or the one that should have answered' })),
    role: Optional(Role),
    assignmentRevision: Optional(Type.Integer({ minimum: 0, description: 'present once the request had met a deployment' })),
    code: Type.String({ description: 'from the closed list of error codes' }),
    reason: Type.String(),
    cure: Type.String(),
    timingsMs: Optional(StageTimings),
    rejectedAt: Instant('processing time of the answer'),
    worker: Type.String(),
  },
  { description: 'The answer “no”: why, and what would help.' },
);
export type PredictionRejected = Static<typeof PredictionRejected>;
