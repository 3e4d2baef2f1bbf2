import { Type, type Static, type TObject } from '@sinclair/typebox';
import { MonitoringPolicy, OutcomeDeclaration, PrivacyPolicy } from '../events/deployment.js';
import { RolloutPlan, SegmentPlan } from './rollout-plan.js';

const closed = { additionalProperties: false };
/** A part of an event, where unknown fields are allowed, as a part of what people write. */
const closedPart = <P extends TObject>({ properties, description }: P): P => Type.Object(properties, { ...closed, description: description! }) as unknown as P;
const shortText = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 500, description }));

export const PROMOTION_MODES = ['immediate', 'rollout', 'approval'] as const;
export type PromotionMode = (typeof PROMOTION_MODES)[number];

export const PromotionPolicy = Type.Object({
  mode: Type.Union(PROMOTION_MODES.map((mode) => Type.Literal(mode)), {
    description: 'what a move of the alias champion does: the version serves at once (the default); a rollout brings it in; somebody with the role approver must do it',
  }),
  rollout: Type.Optional(RolloutPlan),
}, closed);
export type PromotionPolicy = Static<typeof PromotionPolicy>;

const { windowSeconds, alarms, minSamples, minEffect } = MonitoringPolicy.properties;
const monitoring = { windowSeconds: Type.Optional(closedPart(windowSeconds)), alarms, minSamples: Type.Optional(closedPart(minSamples)), minEffect: Type.Optional(closedPart(minEffect)) };
const valueMicroUsd = Type.Optional(closedPart(OutcomeDeclaration.properties.valueMicroUsd));

/** What holds for a model whichever versions serve it. Here unknown fields are typing errors; in events they are allowed. */
export const ModelPolicy = Type.Object({
  owner: shortText('person who answers for it'),
  team: shortText('team that pays for it'),
  description: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000, description: 'what it is for' })),
  errorRate: Type.Optional(Type.Object({
    max: Type.Number({ minimum: 0, maximum: 1, description: 'share of all answers' }),
    measuredBy: Type.Union([Type.Literal('errors'), Type.Literal('fallbacks')], { description: 'errors: answers that were refused through the version’s fault or given by a fallback; fallbacks: only the latter' }),
  }, { ...closed, description: 'tolerated; the guard of every rollout that has no maximum of its own' })),
  costCeilingMicroUsd: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'of a prediction, millionths of a dollar; /ledger/v1/costs says whether it is kept, and nothing is refused for it' })),
  outcome: Type.Optional(Type.Object({ ...OutcomeDeclaration.properties, valueMicroUsd }, { ...closed, description: OutcomeDeclaration.description! })),
  monitoring: Type.Optional(Type.Object(monitoring, { ...closed, description: MonitoringPolicy.description! })),
  privacy: Type.Optional(closedPart(PrivacyPolicy)),
  segments: Type.Optional(Type.Array(SegmentPlan, { maxItems: 20, description: 'parts of the traffic that every rollout watches apart, unless it names its own' })),
  promotion: Type.Optional(PromotionPolicy),
}, { ...closed, description: 'the policy of a model' });
export type ModelPolicy = Static<typeof ModelPolicy>;
