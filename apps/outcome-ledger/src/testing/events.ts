import { predictionId, type ModelDeployment, type OutcomeObserved, type PredictionRejected, type PredictionScored } from '@throughline/contracts';

/** Events as a small flights installation would send them; every test changes what it is about. */
export const SHA = 'a'.repeat(64);
const SOURCE = '/test/producer';
export const idOf = (requestId: string): string => predictionId(SOURCE, requestId);

const identity = (requestId: string) => ({
  predictionId: idOf(requestId), requestSource: SOURCE, requestId, lane: 'stream' as const, occurredAt: '2001-02-03T04:05:06Z', requestedAt: new Date().toISOString(),
  requestCoordinates: 'prediction.requested.v1/0/1', worker: 'worker-1',
});

export const scored = (requestId: string, over: Partial<PredictionScored> = {}): PredictionScored => ({
  ...identity(requestId), model: 'flight-delay', version: '1', artifactSha256: SHA, role: 'champion', assignmentRevision: 1, outputs: { probability: [0.75] }, score: 0.75,
  features: { values: [7, null, 0.1], ageSeconds: { airport: 12.5 }, defaulted: [1] }, timingsMs: { queue: 0.1, inference: 0.2, total: 1.5 }, batchSize: 3,
  scoredAt: new Date().toISOString(), runtime: 'onnxruntime-node 1.30.0, 1 thread', entities: { origin: 'SFO', destination: 'JFK' }, ...over,
});

export const rejected = (requestId: string, over: Partial<PredictionRejected> = {}): PredictionRejected => ({
  ...identity(requestId), model: 'flight-delay', code: 'feature_missing', reason: 'distance has no value', cure: 'Send it.', rejectedAt: new Date().toISOString(), ...over,
});

export const outcome = (requestId: string, over: Partial<OutcomeObserved> = {}): OutcomeObserved => ({
  predictionId: idOf(requestId), value: true, source: 'arrivals', sequence: 0, occurredAt: '2001-02-03T09:05:06Z', ...over,
});

export const deployment = (over: Partial<ModelDeployment> = {}, task: 'binary_classification' | 'regression' = 'binary_classification'): ModelDeployment => ({
  model: 'flight-delay', revision: 1, updatedAt: '2026-11-21T00:00:00Z', challengers: [], shadows: [],
  champion: {
    version: '1', artifactSha256: SHA, sizeBytes: 10,
    signature: {
      inputs: [], outputs: [], task, score: { output: 'probability', index: 0, threshold: 0.5 },
      features: [
        { name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' },
        { name: 'recent_delay', kind: 'numeric', from: { view: 'airport', viewVersion: 2, feature: 'mean_delay', entityRole: 'origin' } },
      ],
    },
  },
  ...over,
});
