import { predictionId, type OutcomeJoined, type PredictionRejected, type PredictionScored, type PredictionShadowed } from '@throughline/contracts';

export const MODEL = 'flights';
const SOURCE = '/test/producer';
export const idOf = (requestId: string): string => predictionId(SOURCE, requestId);

const identity = (requestId: string) => ({
  predictionId: idOf(requestId), requestSource: SOURCE, requestId, lane: 'stream' as const, occurredAt: '2001-02-03T04:05:06Z', requestedAt: '2026-11-21T12:00:00Z',
});

export const scored = (requestId: string, over: Partial<PredictionScored> = {}): PredictionScored => ({
  ...identity(requestId), model: MODEL, version: '1', artifactSha256: 'a'.repeat(64), role: 'champion', assignmentRevision: 2, outputs: {}, score: 0.75, features: { values: [] },
  timingsMs: { inference: 2, total: 4 }, batchSize: 1, scoredAt: '2026-11-21T12:00:00Z', worker: 'w', ...over,
});

export const shadowed = (requestId: string, over: Partial<PredictionShadowed> = {}): PredictionShadowed => ({
  ...scored(requestId, { version: '2', role: 'shadow', score: 0.5 }), answered: { version: '1', role: 'champion', score: 0.75, totalMs: 4 }, ...over,
});

export const rejected = (requestId: string, over: Partial<PredictionRejected> = {}): PredictionRejected => ({
  ...identity(requestId), model: MODEL, version: '1', role: 'champion', assignmentRevision: 2, code: 'model_failed', reason: 'r', cure: 'c', rejectedAt: '2026-11-21T12:00:00Z', worker: 'w', ...over,
});

export const joined = (requestId: string, over: Partial<OutcomeJoined> = {}): OutcomeJoined => {
  const { occurredAt: _, ...known } = identity(requestId);
  return {
    ...known, model: MODEL, version: '1', role: 'champion', assignmentRevision: 2, score: 0.75, outcome: true, outcomeSource: 'o', sequence: 0, correction: false,
    predictedFor: '2001-02-03T04:05:06Z', outcomeOccurredAt: '2001-02-03T05:05:06Z', delaySeconds: 3600, ...over,
  };
};
