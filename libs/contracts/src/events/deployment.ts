import { Type, type Static } from '@sinclair/typebox';
import { FeatureValue, Instant, Name, Optional, Uuid } from './common.js';

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

export const GoldenInputs = Type.Object(
  {
    rows: Type.Array(
      Type.Object({
        values: Type.Array(FeatureValue, { description: 'in the order of the signature’s features' }),
        outputs: Type.Record(Type.String(), Type.Array(Type.Any()), { description: 'output name to the values of the row' }),
      }),
      { minItems: 1, maxItems: 32 },
    ),
    absoluteTolerance: Optional(Type.Number({ minimum: 0, description: '0.00001 by default' })),
    relativeTolerance: Optional(Type.Number({ minimum: 0, description: '0.0001 by default; a value passes by either' })),
  },
  { description: 'rows with the outputs that every worker must see before the version may serve' },
);
export type GoldenInputs = Static<typeof GoldenInputs>;

export const ServedVersion = Type.Object({
  version: Type.String(),
  format: Optional(Type.Union([Type.Literal('onnx'), Type.Literal('rules')], { description: 'what the artifact is: an ONNX graph (the default), or a rules document' })),
  artifactSha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  sizeBytes: Type.Integer({ minimum: 0 }),
  signature: ModelSignature,
  share: Optional(Type.Number({ minimum: 0, maximum: 1, description: 'of the traffic, for challengers' })),
  baselineProfile: Optional(Type.Any({ description: 'frozen profile of features and outputs' })),
  metrics: Optional(Type.Record(Type.String(), Type.Number(), { description: 'on held-out data, such as auc; live quality is compared with them' })),
  golden: Optional(GoldenInputs),
  artifactSignature: Optional(Type.String({ maxLength: 100, description: 'Ed25519 signature of the artifact’s bytes, base64; workers with a public key check it' })),
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

export const STRATEGIES = ['blue_green', 'shadow', 'canary', 'ab'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** Which rollout made this revision. */
export const RolloutRef = Type.Object({
  id: Uuid('rollout'),
  strategy: Type.Union(STRATEGIES.map((strategy) => Type.Literal(strategy))),
  candidate: Type.String({ description: 'version on trial' }),
  step: Type.Integer({ minimum: 0, description: 'of the rollout, from 0' }),
});
export type RolloutRef = Static<typeof RolloutRef>;

/** What the truth about a prediction is, and what it is worth. */
export const OutcomeDeclaration = Type.Object(
  {
    expression: Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'how the truth is computed from an outcome event, in the language of rules: of value (the number; 1 or 0 of true and false), text, source and delaySeconds; yields a number or true and false' })),
    positiveFrom: Optional(Type.Number({ description: 'a numeric outcome at or above it is positive; by default outcomes are true or false, 1 or 0' })),
    maturitySeconds: Optional(Type.Number({ minimum: 0, description: 'event time after which an outcome is no longer expected' })),
    whenMissing: Optional(Type.Union([Type.Literal('missing'), Type.Literal('negative')], { description: 'what it means that none came by then; missing by default' })),
    valueMicroUsd: Optional(
      Type.Object(
        { truePositive: Optional(Type.Number()), falsePositive: Optional(Type.Number()), trueNegative: Optional(Type.Number()), falseNegative: Optional(Type.Number()) },
        { description: 'what a decision is worth once its outcome is known, in millionths of a dollar; 0 where absent' },
      ),
    ),
  },
  { description: 'what the truth about a prediction is, and what it is worth' },
);
export type OutcomeDeclaration = Static<typeof OutcomeDeclaration>;

const PrivacyTreatment = Type.Union([Type.Literal('hash'), Type.Literal('omit')]);
/** What the ledger does not write down as it is. */
export const PrivacyPolicy = Type.Object(
  {
    features: Optional(Type.Record(Type.String(), PrivacyTreatment, { description: 'by name' })),
    entities: Optional(Type.Record(Type.String(), PrivacyTreatment, { description: 'by role' })),
    routingKey: Optional(PrivacyTreatment),
    requestId: Optional(PrivacyTreatment),
    outputs: Optional(Type.Literal('omit', { description: 'all but the score' })),
  },
  { description: 'fields that are hashed (equal values stay equal) or left out before the ledger writes anything' },
);
export type PrivacyPolicy = Static<typeof PrivacyPolicy>;

const leastSamples = (description: string) => Optional(Type.Integer({ minimum: 30, maximum: 10_000_000, description }));
const leastEffect = (description: string) => Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1, description }));
const windowLength = (description: string) => Optional(Type.Integer({ minimum: 1, maximum: 30 * 24 * 3600, description }));

/** Kinds of alarms that the drift monitor raises. */
export const MONITORED_KINDS = ['data_drift', 'prediction_drift', 'quality'] as const;
export type MonitoredKind = (typeof MONITORED_KINDS)[number];

/** How the drift monitor watches a model; what is absent is as the monitor's settings and defaults have it. */
export const MonitoringPolicy = Type.Object(
  {
    windowSeconds: Optional(Type.Object(
      { data: windowLength('of features, scores and how it is served'), quality: windowLength('of outcomes') },
      { description: 'length of the drift monitor’s windows in event time; a change holds for windows that begin later' },
    )),
    alarms: Optional(Type.Array(Type.Union(MONITORED_KINDS.map((kind) => Type.Literal(kind))), { uniqueItems: true, description: 'which are raised, all by default; the others are judged and reported all the same' })),
    minSamples: Optional(Type.Object(
      {
        numeric: leastSamples('values of a number, and of anything that may be missing or unseen; 300 by default'),
        categorical: leastSamples('values of a category; 500 by default'),
        auc: leastSamples('outcomes; 300 by default'),
        calibration: leastSamples('outcomes; 1000 by default'),
      },
      { description: 'a window with fewer is judged neither way' },
    )),
    minEffect: Optional(Type.Object(
      {
        distance: leastEffect('between distributions: Kolmogorov-Smirnov, of categories Jensen-Shannon; 0.1 by default'),
        share: leastEffect('change in the share of missing or unseen values; 0.05 by default'),
        auc: leastEffect('drop below the registered AUC; 0.02 by default'),
        calibration: leastEffect('rise of the expected calibration error above the registered one; 0.05 by default'),
      },
      { description: 'a significant change that is smaller is no drift' },
    )),
  },
  { description: 'how drift and quality are watched' },
);
export type MonitoringPolicy = Static<typeof MonitoringPolicy>;

export const ModelDeployment = Type.Object(
  {
    model: Name('model'),
    revision: Type.Integer({ minimum: 1 }),
    updatedAt: Instant('when it was decided'),
    champion: Optional(ServedVersion),
    challengers: Type.Array(ServedVersion),
    shadows: Type.Array(ServedVersion),
    standbys: Optional(Type.Array(ServedVersion, { description: 'kept warm without traffic: a switch to one of them is immediate' })),
    splitSalt: Optional(Type.String({ description: 'of the rollout that runs' })),
    rollout: Optional(RolloutRef),
    outcome: Optional(OutcomeDeclaration),
    monitoring: Optional(MonitoringPolicy),
    privacy: Optional(PrivacyPolicy),
    maxBatchSize: Optional(Type.Integer({ minimum: 1, description: 'older form of batching.maxBatchSize' })),
    ...servingPolicy,
  },
  { description: 'The whole serving assignment of a model (compacted).' },
);
export type ModelDeployment = Static<typeof ModelDeployment>;
