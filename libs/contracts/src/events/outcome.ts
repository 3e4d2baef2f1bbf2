import { Type, type Static } from '@sinclair/typebox';
import { Instant, Lane, Name, Optional, Role, Uuid } from './common.js';

export const OutcomeValue = Type.Union([Type.Number(), Type.Boolean(), Type.String()]);

export const OutcomeObserved = Type.Object(
  {
    predictionId: Optional(Uuid('which prediction, if the sender knows the id')),
    requestSource: Optional(Type.String({ description: 'else the request’s source …' })),
    requestId: Optional(Type.String({ description: '… and id' })),
    correlationKey: Optional(
      Type.Object({
        model: Name('model that was asked'),
        entityRole: Name('role in the request’s entities'),
        entityId: Name('entity'),
        from: Instant('start of the window of the request’s event time'),
        to: Instant('end of the window'),
      }),
    ),
    value: OutcomeValue,
    source: Name('system that says so'),
    sequence: Type.Integer({ minimum: 0, description: 'within the source and prediction; a higher one corrects' }),
    occurredAt: Instant('when it became true'),
    observedAt: Optional(Instant('when it was seen')),
  },
  { description: 'The truth, whenever it is known.' },
);
export type OutcomeObserved = Static<typeof OutcomeObserved>;

export const OutcomeJoined = Type.Object(
  {
    predictionId: Uuid('prediction'),
    requestSource: Type.String(),
    requestId: Type.String(),
    model: Name('model that answered'),
    version: Type.String(),
    role: Role,
    lane: Lane,
    assignmentRevision: Type.Integer({ minimum: 0 }),
    routingKey: Optional(Type.String()),
    entities: Optional(Type.Record(Type.String(), Type.String())),
    score: Optional(Type.Number()),
    outcome: OutcomeValue,
    outcomeSource: Type.String(),
    sequence: Type.Integer({ minimum: 0 }),
    correction: Type.Boolean({ description: 'true when it supersedes an earlier outcome of the same prediction' }),
    revision: Optional(
      Type.Integer({ minimum: 0, description: 'which word on this prediction it is, from 0: the highest holds, in whatever order they come. What is told again has the number it had; absent from what was told before there were numbers' }),
    ),
    predictedFor: Instant('event time of the request'),
    requestedAt: Instant('processing time of the request'),
    outcomeOccurredAt: Instant('when the outcome became true'),
    delaySeconds: Type.Number({ description: 'outcomeOccurredAt minus predictedFor' }),
    error: Optional(Type.Number({ description: 'score minus outcome, as numbers' })),
    correct: Optional(Type.Boolean({ description: 'for decisions: threshold against truth' })),
    fallback: Optional(Type.String({ description: 'kind of fallback, if one answered' })),
    observed: Optional(Type.Union([Type.Number(), Type.Boolean(), Type.String()], { description: 'the value as it was sent, where the model declares how the truth is computed from it' })),
    assumed: Optional(Type.Boolean({ description: 'true when none came within the model’s maturity and its declaration says what that means; a real one that comes later corrects it' })),
    valueMicroUsd: Optional(Type.Number({ description: 'what the decision was worth, in millionths of a dollar, as the model declares it' })),
    propensity: Optional(Type.Number({ description: 'chance that this version answered, as its prediction says; absent when it was certain' })),
    shadows: Optional(
      Type.Array(
        Type.Object({
          version: Type.String(),
          assignmentRevision: Type.Integer({ minimum: 0 }),
          score: Optional(Type.Number()),
          error: Optional(Type.Number({ description: 'score minus outcome, as numbers' })),
          correct: Optional(Type.Boolean()),
        }),
        { description: 'what shadows had said about the same request, held against the same outcome' },
      ),
    ),
  },
  { description: 'A prediction met its outcome.' },
);
export type OutcomeJoined = Static<typeof OutcomeJoined>;
