import { Type, type Static } from '@sinclair/typebox';
import { Instant, Name, Optional, Uuid } from './common.js';

const Numbers = Type.Record(Type.String(), Type.Number());

export const AlertRaised = Type.Object(
  {
    alertId: Uuid('deterministic, so that a replay raises the same alert'),
    model: Name('model'),
    version: Type.String(),
    kind: Type.Union([
      Type.Literal('data_drift'),
      Type.Literal('prediction_drift'),
      Type.Literal('quality'),
      Type.Literal('artifact'),
      Type.Literal('books'),
    ]),
    tier: Type.Union([Type.Literal('warn'), Type.Literal('alarm')]),
    subject: Type.String({ description: 'feature, output or metric' }),
    summary: Type.String({ description: 'one sentence for a person' }),
    windowFrom: Optional(Instant('event time')),
    windowTo: Optional(Instant('event time')),
    sampleCount: Optional(Type.Integer({ minimum: 0 })),
    evidence: Numbers,
    raisedAt: Instant('processing time'),
  },
  { description: 'Something drifted or broke; with evidence.' },
);
export type AlertRaised = Static<typeof AlertRaised>;

export const RetrainingRequested = Type.Object({
  runId: Uuid('run'),
  model: Name('model'),
  reason: Type.String(),
  alertId: Optional(Uuid('alert that led to it')),
  requestedAt: Instant('processing time'),
});
export type RetrainingRequested = Static<typeof RetrainingRequested>;

export const RetrainingProgressed = Type.Object({
  runId: Uuid('run'),
  model: Name('model'),
  stage: Type.Union([Type.Literal('export'), Type.Literal('train'), Type.Literal('evaluate'), Type.Literal('register')]),
  fraction: Type.Number({ minimum: 0, maximum: 1 }),
  message: Type.String(),
  at: Instant('processing time'),
});
export type RetrainingProgressed = Static<typeof RetrainingProgressed>;

export const RetrainingFinished = Type.Object({
  runId: Uuid('run'),
  model: Name('model'),
  status: Type.Union([Type.Literal('succeeded'), Type.Literal('failed'), Type.Literal('rejected')]),
  reason: Type.String(),
  candidateVersion: Optional(Type.String()),
  championVersion: Optional(Type.String()),
  candidateMetrics: Optional(Numbers),
  championMetrics: Optional(Numbers),
  finishedAt: Instant('processing time'),
});
export type RetrainingFinished = Static<typeof RetrainingFinished>;

export const ServingReported = Type.Object(
  {
    worker: Type.String({ description: 'instance that reports' }),
    model: Name('model'),
    revision: Type.Integer({ minimum: 0, description: 'of the deployment that it has taken over' }),
    warm: Type.Array(Type.String(), { description: 'versions that would answer at once' }),
    cold: Type.Array(
      Type.Object({ version: Type.String(), code: Optional(Type.String()), reason: Optional(Type.String({ description: 'why it could not be loaded; absent while it is loading' })) }),
      { description: 'versions that the deployment names and that are not warm' },
    ),
    leaving: Optional(Type.Boolean({ description: 'the worker is shutting down' })),
    reportedAt: Instant('processing time'),
  },
  { description: 'What a worker holds of a model: at every change, and every 30 seconds as a sign of life.' },
);
export type ServingReported = Static<typeof ServingReported>;
