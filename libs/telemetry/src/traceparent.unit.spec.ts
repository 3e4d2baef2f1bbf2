import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { childContext, derivedSpanId, derivedTraceId, formatTraceparent, newSpanId, newTraceId, parseTraceparent } from './traceparent.js';

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const hex = (digits: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`)).filter((text) => !/^0+$/.test(text));
const contexts = fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() });

describe('traceparent', () => {
  it('reads the example of the specification', () =>
    expect(parseTraceparent(VALID)).toEqual({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true }));

  it('gives back every context it has written', () =>
    fc.assert(fc.property(contexts, (context) => void expect(parseTraceparent(formatTraceparent(context))).toEqual(context))));

  it('never throws, whatever it is given', () =>
    fc.assert(fc.property(fc.oneof(fc.string(), fc.string().map((tail) => VALID + tail)), (text) => void parseTraceparent(text))));

  it.each([
    ['nothing', undefined],
    ['version ff', VALID.replace(/^00/, 'ff')],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['an all-zero span id', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['upper case', VALID.toUpperCase()],
    ['version 00 with more fields', `${VALID}-extra`],
    ['a later version that goes on without a dash', VALID.replace(/^00/, '01') + 'x'],
    ['a cut-off header', VALID.slice(0, -1)],
  ])('ignores %s', (_, text) => expect(parseTraceparent(text)).toBeUndefined());

  it('accepts a later version with more fields', () => expect(parseTraceparent(`${VALID.replace(/^00/, '01')}-extra`)).toMatchObject({ sampled: true }));

  it('reads only the sampled bit of the flags', () => {
    expect(parseTraceparent(VALID.replace(/01$/, '03'))?.sampled).toBe(true);
    expect(parseTraceparent(VALID.replace(/01$/, '02'))?.sampled).toBe(false);
  });

  it('keeps trace and sampling decision in a child', () =>
    fc.assert(fc.property(contexts, hex(16), (parent, spanId) => void expect(childContext(parent, spanId)).toEqual({ ...parent, spanId }))));

  it('derives the same id from the same parts, and another one from others, also where they run together', () => {
    expect(derivedSpanId('a', 1)).toMatch(/^[0-9a-f]{16}$/);
    expect(derivedTraceId('a', 1)).toMatch(/^[0-9a-f]{32}$/);
    expect(derivedSpanId('a', 1)).toBe(derivedSpanId('a', '1'));
    expect(new Set([derivedSpanId('a', 'b'), derivedSpanId('ab'), derivedSpanId('b', 'a'), derivedSpanId('a')]).size).toBe(4);
  });

  it('makes ids that are valid and do not repeat', () => {
    const ids = Array.from({ length: 20_000 }, newSpanId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[0-9a-f]{16}$/.test(id))).toBe(true);
    expect(newTraceId()).toMatch(/^[0-9a-f]{32}$/);
  });
});
