import { encodeEvent, predictionId, type OutcomeObserved, type PredictionScored } from '@throughline/contracts';
import { ENTITIES, ENTITY_ROLE, entityId, featureNames, featureValue, MODEL, type Message } from './requests.ts';

const SOURCE = '/bench';
const POOL = 1000;
const EVENT_TIME_MS = 981_173_106_000;
const PLACEHOLDER_ID = '00000000-0000-5000-8000-000000000000';
const REQUEST_MARK = '"requestId":"@"';
const COORDINATES_MARK = '"requestCoordinates":"@"';

export const ARTIFACT_SHA256 = 'b'.repeat(64);

/** The prediction that the answer with this number is about. */
export const answeredId = (index: number): string => predictionId(SOURCE, String(index));

/**
 * Answers as workers publish them: thirty features of six digits, an entity, seven timings, trace context. Values repeat after a thousand; ids,
 * coordinates and spans do not.
 */
export function scoredSource(): (index: number) => Message {
  const requestedAt = new Date().toISOString();
  const templates = Array.from({ length: POOL }, (_, index) => encodeEvent('prediction.scored.v1', { id: '@', source: '/throughline/inference-worker', timeMs: Date.now(), data: scored(index, requestedAt) }).value);
  return (index) => {
    const id = answeredId(index);
    const value = templates[index % POOL]!.replaceAll(PLACEHOLDER_ID, id).replace(REQUEST_MARK, `"requestId":"${index}"`).replace(COORDINATES_MARK, `"requestCoordinates":"prediction.requested.v1/${index % 4}/${Math.floor(index / 4)}"`);
    return { key: String(index), value, headers: { 'content-type': 'application/cloudevents+json', traceparent: `00-${id.replaceAll('-', '')}-${(index + 1).toString(16).padStart(16, '0')}-00` } };
  };
}

function scored(index: number, requestedAt: string): PredictionScored {
  return {
    predictionId: PLACEHOLDER_ID, requestSource: SOURCE, requestId: '@', lane: 'stream', team: 'bench', routingKey: entityId(index % ENTITIES), entities: { [ENTITY_ROLE]: entityId(index % ENTITIES) },
    occurredAt: new Date(EVENT_TIME_MS + index * 1000).toISOString(), requestedAt, requestCoordinates: '@', parentSpanId: '00f067aa0ba902b7',
    model: MODEL, version: '1', artifactSha256: ARTIFACT_SHA256, role: 'champion', assignmentRevision: 1, outputs: { probability: [featureValue(index, 99)] }, score: Math.abs(featureValue(index, 99)),
    features: { values: featureNames.map((_, column) => featureValue(index, column)), ageSeconds: { 'bench-view': 12.5 } },
    timingsMs: { transport: 1, queue: 0.112, features: 0.021, preprocess: 0.043, inference: 0.311, postprocess: 0.087, total: 1.574 }, batchSize: 16, scoredAt: requestedAt,
    worker: 'bench-3001', runtime: 'onnxruntime-node 1.30.0 cpu, 1 thread', costMicroUsd: 0.000_246,
  };
}

/** What became of the prediction with this id. */
export function outcomeMessage(id: string, index: number): Message {
  const data: OutcomeObserved = { predictionId: id, value: index % 5 === 0, source: 'bench', sequence: 0, occurredAt: new Date(EVENT_TIME_MS + 7_200_000 + index * 1000).toISOString() };
  const { value, headers } = encodeEvent('outcome.observed.v1', { id: `outcome-${index}`, source: SOURCE, timeMs: Date.now(), data });
  return { key: id, value, headers };
}
