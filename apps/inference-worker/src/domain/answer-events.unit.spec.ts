import { decodeEvent, type EncodedEvent, type EventTopic } from '@throughline/contracts';
import { planPacking } from '@throughline/features';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Scored, ServedModel } from './answer.js';
import { encodeAnswer, topicOf } from './answer-events.js';
import type { RequestIdentity } from './scoring-request.js';

const features = [{ name: 'a', kind: 'numeric' as const }];
const inputs = [{ name: 'input', datatype: 'FP32', shape: [-1, 1] }];
const outputs = [{ name: 'probability', datatype: 'FP32', shape: [-1, 2] }];
const served: ServedModel = {
  model: 'flights "quoted"', version: '7', artifactSha256: 'a'.repeat(64), runtime: 'onnx', plan: planPacking({ inputs, features }), lookups: [],
  signature: { inputs, outputs, features, task: 'other', score: { output: 'probability', index: 1 } },
};
const predictionId = '6b17b1f4-9022-5d3c-9b57-f46e8095cf6e';
const instant = (ms: number): string => new Date(ms).toISOString();

const identity = fc.record<RequestIdentity>({
  lane: fc.constantFrom('stream', 'batch', 'http'),
  source: fc.string({ unit: 'grapheme' }), id: fc.string({ unit: 'grapheme' }), key: fc.string(),
  row: fc.option(fc.nat(), { nil: undefined }), attempt: fc.nat(2),
  traceparent: fc.constant(undefined), coordinates: fc.option(fc.constant('prediction.requested.v1/1/2'), { nil: undefined }),
  requestedAtMs: fc.nat(4e12), occurredAtMs: fc.nat(4e12), occurredAt: fc.option(fc.constant('2001-02-03T04:05:06+01:00'), { nil: undefined }),
  model: fc.constant('flights'), version: fc.constant(undefined),
  entities: fc.option(fc.dictionary(fc.string(), fc.string({ unit: 'grapheme' })), { nil: undefined }),
  routingKey: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }), team: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
});
const scalar = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.string({ unit: 'grapheme' }), fc.boolean());
const scoredOf = (request: RequestIdentity, more: Partial<Scored> = {}): Scored => ({
  state: 'scored', request: { ...request, model: 'flights', priority: 5, deadlineMs: undefined, features: undefined, tensors: undefined }, addressed: served, found: undefined, predictionId, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`, pickUp: { nowMs: 1, steadyMs: 1 }, answeredAtMs: 1_000, served, role: 'champion', revision: 3,
  row: { values: [1], defaulted: undefined }, ageSeconds: undefined, outputs: [{ name: 'probability', datatype: 'FP32', rowWidth: 2, data: Float32Array.of(0, 0, 0.25, 0.75) }], outputRow: 1, statedScore: undefined, batchSize: 2,
  timingsMs: { transport: 1, queue: 0.001, features: 0, preprocess: 0.02, inference: 0.5, postprocess: 0.1, total: 2.25 }, fallback: undefined, ...more,
});

function decoded<T extends EventTopic>(topic: T, { value, headers }: EncodedEvent) {
  return decodeEvent(topic, { topic, partition: 0, offset: '0', timestampMs: 0, key: null, value: Buffer.from(value), headers });
}

describe('a scored event', () => {
  it('is valid and says exactly what is known of the prediction, for any text in it', () => {
    const ages = fc.option(fc.dictionary(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 }).map((age) => age + 0)), { nil: undefined });
    fc.assert(
      fc.property(identity, fc.array(scalar), fc.option(fc.array(fc.nat(), { minLength: 1 }), { nil: undefined }), ages, (request, values, defaulted, ageSeconds) => {
        const event = decoded('prediction.scored.v1', encodeAnswer(scoredOf(request, { row: { values, defaulted }, ageSeconds }), 'worker "1"', instant));
        expect(event).toMatchObject({ ok: true, id: request.attempt === 0 ? predictionId : `${predictionId}/${request.attempt}`, timeMs: 1_000 });
        const { source, id, row, attempt, lane, team, routingKey, entities, occurredAt, occurredAtMs, requestedAtMs, coordinates } = request;
        const expected = {
          predictionId, requestSource: source, requestId: id, row, attempt: attempt || undefined, lane, team, routingKey, entities,
          occurredAt: occurredAt ?? instant(occurredAtMs), requestedAt: instant(requestedAtMs), requestCoordinates: coordinates,
          model: 'flights "quoted"', version: '7', artifactSha256: 'a'.repeat(64), runtime: 'onnx', role: 'champion', assignmentRevision: 3,
          outputs: { probability: [0.25, 0.75] }, score: 0.75, features: { values, ageSeconds, defaulted },
          timingsMs: { transport: 1, queue: 0.001, features: 0, preprocess: 0.02, inference: 0.5, postprocess: 0.1, total: 2.25 }, batchSize: 2, scoredAt: instant(1_000), worker: 'worker "1"',
        };
        if (event.ok) expect(event.data).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
    );
  });

  it('carries what JSON has no number for as text, and then has no score', () => {
    const [request] = fc.sample(identity, 1) as [RequestIdentity];
    const output = { name: 'probability', datatype: 'FP32', rowWidth: 2, data: Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY) };
    const event = decoded('prediction.scored.v1', encodeAnswer(scoredOf(request, { outputs: [output], outputRow: 0 }), 'w', instant));
    expect(event).toMatchObject({ ok: true, data: { outputs: { probability: ['NaN', 'Infinity'] } } });
    expect(event).not.toHaveProperty('data.score');
  });
});

it('a shadow’s answer is an event of its own topic, under the prediction’s id and an event id of its own, for any name of the version', () => {
  fc.assert(
    fc.property(identity, fc.string({ unit: 'grapheme' }), (request, version) => {
      const answered = { version: '6', role: 'challenger' as const, score: 0.75, totalMs: 2.25 };
      const answer = scoredOf(request, { role: 'shadow', served: { ...served, version }, answered });
      const id = request.attempt === 0 ? predictionId : `${predictionId}/${request.attempt}`;
      expect(topicOf(answer)).toBe('prediction.shadowed.v1');
      expect(decoded('prediction.shadowed.v1', encodeAnswer(answer, 'w', instant))).toMatchObject({ ok: true, id: `${id}/shadow/${version}`, data: { role: 'shadow', predictionId, version, answered } });
    }),
  );
});

it('a rejected event is valid, for any text in it', () => {
  fc.assert(
    fc.property(identity, fc.string({ unit: 'grapheme' }), (request, reason) => {
      const answer = { state: 'rejected' as const, request, predictionId, traceparent: '', pickUp: { nowMs: 1, steadyMs: 1 }, answeredAtMs: 2, rejection: { code: 'wrong_type' as const, reason, cure: 'c' }, asked: { version: '7', role: 'challenger' as const, revision: 3 } };
      expect(decoded('prediction.rejected.v1', encodeAnswer(answer, 'w', instant))).toMatchObject({ ok: true, data: { code: 'wrong_type', reason, predictionId, requestId: request.id, version: '7', role: 'challenger', assignmentRevision: 3 } });
    }),
  );
});
