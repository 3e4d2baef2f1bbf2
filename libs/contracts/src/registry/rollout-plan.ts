import { Type, type Static, type TSchema } from '@sinclair/typebox';
import { STRATEGIES } from '../events/deployment.js';

const closed = <P extends Record<string, TSchema>>(properties: P, description?: string) => Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) });
const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const count = (description: string) => Type.Integer({ minimum: 0, maximum: 1e12, description });
const minSamples = Type.Optional(Type.Integer({ minimum: 1, maximum: 1e12, description: 'of either version; below it the guard has no verdict' }));

/** What must stay true while a rollout runs, by kind. Differences are candidate minus champion; what is missing has its default. */
export const GuardPlans = {
  error_rate: closed({ kind: Type.Literal('error_rate'), minSamples, maxIncrease: Type.Optional(share('of all answers, over the champion’s')), max: Type.Optional(share('whatever the champion has')) }),
  fallback_rate: closed({ kind: Type.Literal('fallback_rate'), minSamples, maxIncrease: Type.Optional(share('of all answers, over the champion’s')), max: Type.Optional(share('whatever the champion has')) }),
  p99_latency: closed({ kind: Type.Literal('p99_latency'), minSamples, maxRatio: Type.Optional(Type.Number({ minimum: 1, description: 'of the champion’s p99' })), maxMs: Type.Optional(Type.Number({ exclusiveMinimum: 0 })) }),
  score_shift: closed({ kind: Type.Literal('score_shift'), minSamples, maxDistance: Type.Optional(share('Kolmogorov-Smirnov distance of the score distributions')) }),
  quality: closed({
    kind: Type.Literal('quality'),
    minSamples,
    loss: Type.Optional(Type.Union([Type.Literal('wrong'), Type.Literal('squared_error'), Type.Literal('absolute_error')], { description: 'how wrong an answer was: not the true class; (score − outcome)²; |score − outcome|' })),
    maxIncrease: Type.Optional(Type.Number({ minimum: 0, description: 'of the mean loss, over the champion’s' })),
    segments: Type.Optional(Type.Boolean({ description: 'also in every declared segment' })),
  }),
  business_value: closed({ kind: Type.Literal('business_value'), minSamples, maxLossMicroUsd: Type.Optional(Type.Number({ minimum: 0, description: 'of the mean value of a prediction, in millionths of a dollar' })) }),
};
export const GuardPlan = Type.Union(Object.values(GuardPlans));
export type GuardPlan = Static<typeof GuardPlan>;

export const StepPlan = closed({
  share: Type.Optional(share('of the traffic; left out by strategies that have no steps')),
  minSeconds: Type.Optional(Type.Number({ minimum: 0, maximum: 1e9 })),
  minPredictions: Type.Optional(count('answers of the candidate; of a shadow, its comparisons')),
  minOutcomes: Type.Optional(count('joined outcomes of the candidate')),
}, 'a stage; it lasts until every one of its minimums is reached');
export type StepPlan = Static<typeof StepPlan>;

export const SegmentPlan = closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  entityRole: Type.String({ minLength: 1, maxLength: 200, description: 'role in the request’s entities, such as origin' }),
  entityIds: Type.Array(Type.String({ maxLength: 500 }), { minItems: 1, maxItems: 1000 }),
}, 'a part of the traffic in which quality is watched apart: predictions whose entity of this role is one of these');
export type SegmentPlan = Static<typeof SegmentPlan>;

/** How a candidate is brought in, whichever it is: what `POST …/rollouts` takes besides the candidate, and what a model's policy keeps. What is left out is as the strategy has it by default. */
export const RolloutPlan = closed({
  strategy: Type.Union(STRATEGIES.map((strategy) => Type.Literal(strategy))),
  steps: Type.Optional(Type.Array(StepPlan, { minItems: 1, maxItems: 20 })),
  guards: Type.Optional(Type.Array(GuardPlan, { maxItems: 12, description: 'what must stay true, in place of the defaults; a breach is a rollback' })),
  segments: Type.Optional(Type.Array(SegmentPlan, { maxItems: 20, description: 'in place of the model’s' })),
  falseRollbackRate: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 0.5, description: 'chance that an equal candidate is ever rolled back, at most' })),
  consecutiveBreaches: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, description: 'evaluations in a row that must find a breach' })),
  evaluateEverySeconds: Type.Optional(Type.Number({ minimum: 0.1, maximum: 86_400 })),
  endsAfterSeconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1e9, description: 'the fixed end of an A/B; of a shadow the latest end; a canary or blue-green that is not through by then is rolled back' })),
  atEnd: Type.Optional(Type.Union([Type.Literal('promote'), Type.Literal('promote_if_better'), Type.Literal('report')], { description: 'what happens when all is through' })),
  allowSignatureChange: Type.Optional(Type.Boolean({ description: 'of a candidate whose inputs or outputs are not the champion’s' })),
}, 'how a new version is brought in');
export type RolloutPlan = Static<typeof RolloutPlan>;

/** Body of `POST …/rollouts`. */
export const RolloutRequest = closed({
  ...RolloutPlan.properties,
  candidate: Type.String({ pattern: '^[1-9]\\d{0,8}$', description: 'version on trial' }),
  author: Type.Optional(Type.String({ maxLength: 200 })),
  reason: Type.Optional(Type.String({ maxLength: 2000 })),
  approve: Type.Optional(Type.Boolean({ description: 'the author approves it, where the model’s policy asks for that and nobody is authenticated' })),
});
export type RolloutRequest = Static<typeof RolloutRequest>;
