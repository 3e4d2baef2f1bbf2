import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Distribution } from './distribution.js';

describe('Distribution', () => {
  it('gives the quantiles of the values themselves', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (values, share) => {
      const distribution = new Distribution();
      values.forEach((value) => distribution.add(value));
      expect(distribution.quantile(share)).toBe(values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]);
    }));
  });

  it('has none without values', () => expect(new Distribution().quantile(0.5)).toBeUndefined());
});
