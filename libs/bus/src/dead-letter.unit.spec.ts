import type { WireMessage } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDeadLetter, encodeDeadLetter, replayOf, type DeadLetter } from './dead-letter.js';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const letters: fc.Arbitrary<DeadLetter> = fc.record({
  code: fc.constantFrom('poison', 'schema_invalid' as const),
  reason: fc.string({ maxLength: 100 }),
  attempts: fc.nat(9),
  group: fc.string({ minLength: 1 }),
  original: fc.record({
    topic: fc.constant('outcome.observed.v1'),
    partition: fc.nat(9),
    offset: fc.nat().map(String),
    timestampMs: fc.nat(),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers: fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
      bytes,
      { noNullPrototype: true },
    ),
  }),
});

const asDelivered = (letter: DeadLetter): WireMessage => {
  const { topic, key, value, headers } = encodeDeadLetter(letter);
  return { topic, partition: 0, offset: '0', timestampMs: 0, key: Buffer.from(key), value: Buffer.from(value!), headers: headers! };
};

describe('dead letters', () => {
  it('give back the original, whatever its bytes and headers', () => {
    fc.assert(
      fc.property(letters, (letter) => {
        expect(decodeDeadLetter(asDelivered(letter))).toEqual(letter);
      }),
    );
  });

  it('are always keyed', () => {
    fc.assert(
      fc.property(letters, (letter) => {
        expect(encodeDeadLetter(letter).key).not.toBeNull();
      }),
    );
  });

  it('replay one attempt higher each time', () => {
    const original: WireMessage = {
      topic: 'outcome.observed.v1',
      partition: 2,
      offset: '7',
      timestampMs: 1,
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      headers: { a: 'b' },
    };
    const letter: DeadLetter = { code: 'poison', reason: 'r', attempts: 1, group: 'outcome-ledger', original };
    const once = replayOf(letter);
    expect(once).toEqual({
      topic: original.topic,
      key: original.key,
      value: original.value,
      headers: { a: 'b', 'throughline-attempt': '1', 'throughline-replay-group': 'outcome-ledger' },
    });
    expect(replayOf({ ...letter, original: { ...original, headers: once.headers! } }).headers!['throughline-attempt']).toBe('2');
  });

  it('are not made of foreign messages', () => {
    expect(decodeDeadLetter({ topic: 'dead-letter.v1', partition: 0, offset: '0', timestampMs: 0, key: null, value: null, headers: {} })).toBeUndefined();
  });
});
