import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packFeatures, unpackFeatures } from './features-codec.js';

const value = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.float({ noNaN: true, noDefaultInfinity: true }), fc.string(), fc.boolean(), fc.constant(null), fc.constant('NaN'), fc.constant('9007199254740993'));

it('gives back exactly the features as used, whatever they are', () => {
  fc.assert(fc.property(fc.array(value), (values) => {
    expect(unpackFeatures(packFeatures(values))).toEqual(values);
  }));
});

it('takes four bytes a number when every number is a float32, eight otherwise', () => {
  expect(packFeatures([1, 2.5, Math.fround(0.1), null])).toMatchObject({ dtype: 4, extras: { 3: null } });
  expect(packFeatures([1, 2.5, Math.fround(0.1), null]).bytes).toHaveLength(16);
  expect(packFeatures([1, 0.1]).dtype).toBe(8);
  expect(packFeatures([16_777_217]).dtype).toBe(8);
});
