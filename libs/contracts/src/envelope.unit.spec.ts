import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTEMPT_HEADER, decodeEvent, encodeEvent, eventTimeMs, type WireMessage } from './envelope.js';

const TOPIC = 'prediction.requested.v1';
const data = { model: 'flights', features: { distance: 337, hour: 7 } };
const wire = (value: Buffer | string | null, headers: WireMessage['headers'] = {}): WireMessage => ({
  topic: TOPIC, partition: 3, offset: '99', timestampMs: 1_000, key: null, headers, value: typeof value === 'string' ? Buffer.from(value) : value,
});
const structured = { specversion: '1.0', id: '7', source: '/shop', type: 'prediction.requested', time: '2001-02-03T04:05:06Z', data };

describe('decodeEvent', () => {
  it('reads structured mode', () => {
    const event = decodeEvent(TOPIC, wire(JSON.stringify(structured), { 'content-type': 'application/cloudevents+json; charset=utf-8' }));
    expect(event).toMatchObject({ ok: true, id: '7', source: '/shop', timeMs: Date.UTC(2001, 1, 3, 4, 5, 6), data });
  });

  it('reads binary mode', () => {
    const headers = { ce_id: '7', ce_source: Buffer.from('/shop'), ce_type: 'prediction.requested', ce_specversion: '1.0', ce_time: structured.time };
    expect(decodeEvent(TOPIC, wire(JSON.stringify(data), headers))).toMatchObject({ ok: true, id: '7', source: '/shop', timeMs: Date.UTC(2001, 1, 3, 4, 5, 6), data });
  });

  it('reads a bare body, whose identity is its place in the topic', () => {
    expect(decodeEvent(TOPIC, wire(JSON.stringify(data)))).toMatchObject({ ok: true, source: TOPIC, id: '3/99', timeMs: undefined, data });
  });

  it('ignores unknown fields, in the envelope and in the data', () => {
    const value = JSON.stringify({ ...structured, extra: 1, data: { ...data, extra: { deep: true } } });
    expect(decodeEvent(TOPIC, wire(value, { 'content-type': 'application/cloudevents+json' })).ok).toBe(true);
  });

  it('prefers the trace context of this hop to the originating one', () => {
    const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
    expect(decodeEvent(TOPIC, wire(JSON.stringify(data), { traceparent, ce_id: '1', ce_source: 's', ce_traceparent: 'other' })).traceparent).toBe(traceparent);
  });

  it.each(['2001-13-01T00:00:00Z', '2001-01-01T25:00:00Z', '2001-01-01T00:00:00+00', '2001-01-01T00:00:00', '2001-01-01'])('refuses %s, which is no instant', (occurredAt) => {
    expect(decodeEvent(TOPIC, wire(JSON.stringify({ ...data, occurredAt })))).toMatchObject({ ok: false, code: 'schema_invalid', reason: expect.stringContaining('data.occurredAt') });
  });

  it('accepts every RFC 3339 instant, and only what Date.parse reads', () => {
    const upTo = (max: number, min = 0) => fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'));
    const fraction = fc.constantFrom('', '.5', '.123', '.123456789');
    const zone = fc.oneof(fc.constantFrom('Z', 'z'), fc.tuple(fc.constantFrom('+', '-'), upTo(23), upTo(59)).map(([sign, hours, minutes]) => `${sign}${hours}:${minutes}`));
    const parts = fc.tuple(fc.integer({ min: 0, max: 9999 }), upTo(12, 1), upTo(31, 1), fc.constantFrom('T', 't'), upTo(23), upTo(59), upTo(59), fraction, zone);
    fc.assert(fc.property(parts, ([year, month, day, t, hours, minutes, seconds, decimals, offset]) => {
      const occurredAt = `${String(year).padStart(4, '0')}-${month}-${day}${t}${hours}:${minutes}:${seconds}${decimals}${offset}`;
      expect(decodeEvent(TOPIC, wire(JSON.stringify({ ...data, occurredAt }))).ok).toBe(true);
      expect(Date.parse(occurredAt)).not.toBeNaN();
    }), { numRuns: 2_000 });
  });

  it.each(['0.5', '-1', 'Infinity', '1e300', 'two', ''])('takes the attempt "%s" for none', (attempt) => {
    expect(decodeEvent(TOPIC, wire(JSON.stringify(data), { [ATTEMPT_HEADER]: attempt })).attempt).toBe(0);
  });

  it('quotes little of a wrong type in its reason', () => {
    const decoded = decodeEvent(TOPIC, wire(JSON.stringify({ ...structured, type: 'x'.repeat(10_000) })));
    expect(decoded.ok ? '' : decoded.reason.length).toBeLessThan(200);
  });

  it('reads the attempt that a replay sets', () => {
    expect(decodeEvent(TOPIC, wire(JSON.stringify(data), { [ATTEMPT_HEADER]: '2' })).attempt).toBe(2);
  });

  it.each([
    ['garbage bytes', Buffer.from([0xff, 0x00, 0x7b]), {}, 'undecodable'],
    ['no value', null, {}, 'undecodable'],
    ['a wrong shape', '{"features":{}}', {}, 'schema_invalid'],
    ['a number', '42', {}, 'schema_invalid'],
    ['another event type', JSON.stringify({ ...structured, type: 'outcome.observed' }), { 'content-type': 'application/cloudevents+json' }, 'schema_invalid'],
    ['an impossible time', JSON.stringify({ ...structured, time: 'yesterday' }), { 'content-type': 'application/cloudevents+json' }, 'schema_invalid'],
  ])('answers %s with a code, a reason, a cure and an identity', (_name, value, headers, code) => {
    const result = decodeEvent(TOPIC, wire(value, headers));
    expect(result).toMatchObject({ ok: false, code });
    if (!result.ok) for (const said of [result.reason, result.cure, result.source, result.id]) expect(said).not.toBe('');
  });

  it('answers an identity that no answer could repeat under the message’s place', () => {
    const result = decodeEvent(TOPIC, wire(JSON.stringify({ ...structured, id: 'x'.repeat(1001) }), { 'content-type': 'application/cloudevents+json' }));
    expect(result).toMatchObject({ ok: false, code: 'schema_invalid', source: TOPIC, id: '3/99' });
  });

  it('quotes nothing of a value that it cannot read', () => {
    const result = decodeEvent(TOPIC, wire('card 4111-1111'));
    expect(result.ok).toBe(false);
    expect(JSON.stringify({ ...result, message: undefined })).not.toContain('4111');
  });

  it('never throws, whatever the bytes and headers', () => {
    const headers = fc.dictionary(fc.constantFrom('content-type', 'ce_id', 'ce_source', 'ce_time', 'traceparent', ATTEMPT_HEADER), fc.string());
    fc.assert(fc.property(fc.oneof(fc.uint8Array().map((bytes) => Buffer.from(bytes)), fc.json().map((json) => Buffer.from(json))), headers, (value, given) => {
      expect(typeof decodeEvent(TOPIC, wire(value, given)).ok).toBe('boolean');
    }));
  });

  it('reads back what encodeEvent wrote', () => {
    fc.assert(fc.property(fc.uuid(), fc.webUrl(), fc.dictionary(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true })), (id, source, features) => {
      const sent = { id, source, timeMs: 981_173_106_000, data: { model: 'm', features }, traceparent: 't' };
      const { value, headers } = encodeEvent(TOPIC, sent);
      const event = decodeEvent(TOPIC, wire(value, headers));
      expect(event).toMatchObject({ ok: true, id, source, timeMs: sent.timeMs, traceparent: 't' });
      if (event.ok) expect(JSON.stringify(event.data)).toBe(JSON.stringify(sent.data));
    }));
  });
});

describe('eventTimeMs', () => {
  const at = (occurredAt: string | undefined, timeMs: number | undefined) => eventTimeMs({ timeMs, data: { occurredAt }, message: wire(null) });
  it('takes the data’s instant, else the envelope’s, else Kafka’s', () => {
    expect([at('1970-01-01T00:00:05Z', 3), at(undefined, 3), at(undefined, undefined)]).toEqual([5_000, 3, 1_000]);
  });
});
