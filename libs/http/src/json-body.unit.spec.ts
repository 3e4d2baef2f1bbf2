import fc from 'fast-check';
import { expect, it } from 'vitest';
import { whyUnfit } from './json-body.js';

it('finds nothing wrong with any JSON of proper text', () => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 5 }).filter((value) => !JSON.stringify(value).includes('\\u0000')), (value) => whyUnfit(value) === undefined));
});
it('finds a NUL character or half of a surrogate pair wherever it is', () => {
  const bad = fc.constantFrom('\u0000', 'a\ud800', '\udc00b');
  const within = fc.letrec<{ value: unknown }>((tie) => ({ value: fc.oneof({ maxDepth: 4 }, bad, fc.tuple(fc.integer(), tie('value')), fc.record({ a: tie('value') }), fc.dictionary(bad, fc.boolean(), { minKeys: 1 })) }));
  fc.assert(fc.property(within.value, (value) => whyUnfit(value)?.status === 400));
});
it('does not walk deeper than it allows', () => {
  const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
  expect(whyUnfit(nested(100))).toBeUndefined();
  expect(whyUnfit(nested(101))?.message).toMatch(/nested deeper/);
  expect(whyUnfit(nested(100_000))?.message).toMatch(/nested deeper/);
});
