import { prefixedNames } from '@throughline/bus';
import { expect, it } from 'vitest';
import { predictionSpans } from './prediction-spans.js';
import { scoringContext, type TracedRow } from './traced-row.js';

const row: TracedRow = {
  predictionId: '7b76029e-19dc-5779-9358-6c2488af76f8', state: 'scored', lane: 'http', team: undefined, requestedAtMs: 1000, answeredAtMs: 1009, publishedAtMs: 1012, recordedAtMs: 1020,
  timingsMs: { transport: 0, features: 1, queue: 1, preprocess: 1, inference: 1, total: 9 }, requestCoordinates: undefined, answerCoordinates: 'prediction.scored.v1/1/5', worker: 'w',
  scoring: { traceId: '1'.repeat(32), spanId: '2'.repeat(16), sampled: false }, parentSpanId: undefined, model: 'm', version: '1', artifactSha256: 'a', role: 'champion', assignmentRevision: 1,
  batchSize: 1, runtime: undefined, costMicroUsd: undefined, fallbackReason: undefined, errorCode: undefined,
};
const names = prefixedNames('p-');

it('what was asked over HTTP is a server span', () => {
  expect(predictionSpans(row, names)[0]).toMatchObject({ name: 'POST /v2/models/{model}/infer', kind: 'server', context: row.scoring, parentSpanId: undefined, startMs: 1000, endMs: 1012 });
});

it('told twice, a story has the same spans under the same ids, each its own', () => {
  const ids = predictionSpans(row, names).map(({ context }) => context.spanId);
  expect(predictionSpans(row, names).map(({ context }) => context.spanId)).toEqual(ids);
  expect(new Set(ids).size).toBe(6);
});

it('every span is exported though nobody sampled it, in the one trace', () => {
  for (const { force, context } of predictionSpans(row, names)) expect([force, context.traceId]).toEqual([true, row.scoring.traceId]);
});

it('a prediction that came without trace context has ids that follow from its own', () => {
  const context = scoringContext(row.predictionId, undefined);
  expect(context).toEqual(scoringContext(row.predictionId, undefined));
  expect([context.traceId.length, context.spanId.length]).toEqual([32, 16]);
});
