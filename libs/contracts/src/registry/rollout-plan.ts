import { Type, type Static } from '@sinclair/typebox';
import { STRATEGIES } from '../events/deployment.js';

const closed = { additionalProperties: false };
const rate = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const atLeastOne = (description: string) => Type.Integer({ minimum: 1, description });
const minSamples = Type.Optional(atLeastOne('of either arm; below it the guard has no verdict'));

/** What must stay true while a rollout runs. Differences are candidate minus champion. */
export const GuardPlan = Type.Union([
  Type.Object({ kind: Type.Literal('error_rate'), maxIncrease: Type.Optional(rate('of all answers')), max: Type.Optional(rate('whatever the champion has')), minSamples }, closed),
  Type.Object({ kind: Type.Literal('fallback_rate'), maxIncrease: Type.Optional(rate('of all answers')), max: Type.Optional(rate('whatever the champion has')), minSamples }, closed),
  Type.Object({ kind: Type.Literal('p99_latency'), maxRatio: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'of the champion’s p99' })), maxMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })), minSamples }, closed),
  Type.Object({ kind: Type.Literal('score_shift'), maxDistance: Type.Optional(rate('Kolmogorov-Smirnov distance of the two score distributions')), minSamples }, closed),
  Type.Object({
    kind: Type.Literal('quality'),
    loss: Type.Optional(Type.Union([Type.Literal('wrong'), Type.Literal('squared_error'), Type.Literal('absolute_error')], { description: 'how wrong an answer was: not the true class; (score − outcome)²; |score − outcome|' })),
    maxIncrease: Type.Optional(Type.Number({ minimum: 0, description: 'of the mean loss' })),
    segments: Type.Optional(Type.Boolean({ description: 'also in every declared segment' })),
    minSamples,
  }, closed),
  Type.Object({ kind: Type.Literal('business_value'), maxLossMicroUsd: Type.Optional(Type.Number({ minimum: 0, description: 'of the mean value of a prediction, millionths of a dollar' })), minSamples }, closed),
], { description: 'what must stay true; what is missing has its default' });
export type GuardPlan = Static<typeof GuardPlan>;

export const StepPlan = Type.Object({
  share: Type.Optional(rate('of the traffic that the candidate answers')),
  minSeconds: Type.Optional(Type.Number({ minimum: 0 })),
  minPredictions: Type.Optional(Type.Integer({ minimum: 0, description: 'answers of the candidate; of a shadow, its comparisons' })),
  minOutcomes: Type.Optional(Type.Integer({ minimum: 0, description: 'joined outcomes of the candidate' })),
}, { ...closed, description: 'a stage; it lasts until all its minimums are reached' });
export type StepPlan = Static<typeof StepPlan>;

export const SegmentPlan = Type.Object({
  name: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' }),
  entityRole: Type.String({ minLength: 1, maxLength: 200, description: 'role in the request’s entities, such as origin' }),
  entityIds: Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { minItems: 1, maxItems: 1000 }),
}, { ...closed, description: 'a part of the traffic in which quality is watched apart' });
export type SegmentPlan = Static<typeof SegmentPlan>;

/** How a candidate is brought in, whichever it is: what `POST …/rollouts` takes besides the candidate, and what a model's policy keeps. What is missing has its default. */
export const RolloutPlan = Type.Object({
  strategy: Type.Union(STRATEGIES.map((strategy) => Type.Literal(strategy))),
  steps: Type.Optional(Type.Array(StepPlan, { minItems: 1, maxItems: 50 })),
  guards: Type.Optional(Type.Array(GuardPlan, { maxItems: 20, description: 'in place of the defaults; none: nothing is watched' })),
  segments: Type.Optional(Type.Array(SegmentPlan, { maxItems: 50 })),
  falseRollbackRate: Type.Optional(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, description: 'chance that all guards together ever roll an equal candidate back, at most' })),
  consecutiveBreaches: Type.Optional(atLeastOne('evaluations in a row, each with new data, that must find a breach')),
  evaluateEverySeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
  endsAfterSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'shadow and A/B end then; a canary or blue-green that is not through is rolled back' })),
  atEnd: Type.Optional(Type.Union([Type.Literal('promote'), Type.Literal('promote_if_better'), Type.Literal('report')], { description: 'what happens when the last step is through' })),
  allowSignatureChange: Type.Optional(Type.Boolean()),
}, { ...closed, description: 'how a new version is brought in' });
export type RolloutPlan = Static<typeof RolloutPlan>;
