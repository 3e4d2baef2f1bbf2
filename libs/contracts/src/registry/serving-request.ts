import { Type, type Static, type TObject } from '@sinclair/typebox';
import { Batching, BreakerPolicy, LatencyBudget, servingPolicy } from '../events/deployment.js';

/** A contract's object, without the unknown fields that events may carry: in a request they are typing errors. */
const closed = <P extends TObject>({ properties, description }: P): TObject<P['properties']> => Type.Object(properties, { additionalProperties: false, ...(description === undefined ? {} : { description }) }) as TObject<P['properties']>;
const version = (description: string) => Type.Union([Type.Integer({ minimum: 1, maximum: 999_999_999 }), Type.String({ pattern: '^[1-9]\\d{0,8}$' })], { description });

/** Fallbacks as a request names them: versions by their number. */
export const FallbackRequests = {
  last_known_good: Type.Object({
    kind: Type.Literal('last_known_good'),
    maxAgeSeconds: Type.Number({ exclusiveMinimum: 0, description: 'an older answer for the routing key is none' }),
  }, { additionalProperties: false }),
  previous_version: Type.Object({
    kind: Type.Literal('previous_version'),
    version: Type.Optional(version('absent: the champion before the present one, as long as there is one with its outputs')),
  }, { additionalProperties: false }),
  rules: Type.Object({ kind: Type.Literal('rules'), version: version('a version whose artifact is a rules document') }, { additionalProperties: false }),
  constant: Type.Object({
    kind: Type.Literal('constant'),
    outputs: Type.Record(Type.String(), Type.Array(Type.Any()), { description: 'every output of the champion, with the values of a row' }),
    score: Type.Optional(Type.Number({ description: 'by default what the outputs hold where the champion has its score' })),
  }, { additionalProperties: false }),
};

/** How a model is served, as a request says it. */
export const ServingRequest = {
  batching: closed(Batching),
  latencyBudgetMs: closed(LatencyBudget),
  breaker: closed(BreakerPolicy),
  requestTopics: servingPolicy.requestTopics,
  fallbacks: Type.Array(Type.Union(Object.values(FallbackRequests)), { maxItems: 8, description: 'what answers when the version that should have cannot, in the order in which they are tried' }),
};

export type FallbackRequest = Static<(typeof FallbackRequests)[keyof typeof FallbackRequests]>;
