import type { Event, PredictionRequested, Undecodable, WireMessage } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { candidateOfEvent, candidateOfUndecodable, isPastDeadline, type RequestTopic, type ScoringRequest } from './scoring-request.js';

const message: WireMessage = { topic: 'prediction.requested.v1', partition: 2, offset: '41', timestampMs: 5_000, key: null, value: null, headers: {} };
const event = (data: PredictionRequested, more: Partial<Event<RequestTopic>> = {}): Event<RequestTopic> => ({
  ok: true, topic: 'prediction.requested.v1', id: '7', source: '/shop', timeMs: undefined, traceparent: undefined, attempt: 0, data, message, ...more,
});
const tensor = (shape: number[]) => ({ name: 'input', shape, datatype: 'FP32', data: new Array<number>(shape.reduce((product, size) => product * size, 1)).fill(1) });

describe('a request of a topic', () => {
  it('happens when it says, else when its envelope says, else when Kafka took it', () => {
    const occurred = (data: object, timeMs?: number) => candidateOfEvent(event({ model: 'm', ...data }, { timeMs })).request.occurredAtMs;
    expect(occurred({ occurredAt: '1970-01-01T00:00:01Z' }, 2_000)).toBe(1_000);
    expect(occurred({}, 2_000)).toBe(2_000);
    expect(occurred({})).toBe(5_000);
  });

  it('is answered under its key, else its routing key, else its id', () => {
    const key = (data: object, bytes: Buffer | null) => candidateOfEvent(event({ model: 'm', ...data }, { message: { ...message, key: bytes } })).request.key.toString();
    expect(key({ routingKey: 'case' }, Buffer.from('k'))).toBe('k');
    expect(key({ routingKey: 'case' }, null)).toBe('case');
    expect(key({}, null)).toBe('7');
  });

  it.each([
    ['wrong_shape', { inputs: [tensor([2, 3])] }],
    ['wrong_shape', { inputs: [tensor([0, 3])] }],
    ['wrong_shape', { inputs: [] }],
    ['schema_invalid', { inputs: [tensor([1, 3])], features: { a: 1 } }],
    ['schema_invalid', { occurredAt: '2001-02-30T25:00:00Z' }],
  ])('is rejected as %s: %j', (code, data) => {
    expect(candidateOfEvent(event({ model: 'm', ...data })).rejection).toMatchObject({ code });
  });
});

it('answers what cannot be read under the identity that is known of it', () => {
  const undecodable: Undecodable = { ok: false, code: 'undecodable', reason: 'r', cure: 'c', source: 'prediction.requested.v1', id: '2/41', traceparent: undefined, attempt: 0, message };
  expect(candidateOfUndecodable(undecodable, 'stream')).toMatchObject({
    request: { source: 'prediction.requested.v1', id: '2/41', key: '2/41', coordinates: 'prediction.requested.v1/2/41', requestedAtMs: 5_000, occurredAtMs: 5_000, model: undefined },
    rejection: { code: 'undecodable', reason: 'r', cure: 'c' },
  });
});

it('counts a deadline from the Kafka timestamp, and only when it is over', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(1e4), fc.integer({ min: -100, max: 2e4 }), (requestedAtMs, deadlineMs, laterMs) => {
      const request = { requestedAtMs, deadlineMs } as ScoringRequest;
      expect(isPastDeadline(request, requestedAtMs + laterMs)).toBe(laterMs > deadlineMs);
      expect(isPastDeadline({ ...request, deadlineMs: undefined }, requestedAtMs + laterMs)).toBe(false);
    }),
  );
});
