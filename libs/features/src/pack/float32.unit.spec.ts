import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortestFloat32 } from './index.js';

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);
const bitsOf = (value: number): number => {
  float[0] = value;
  return word[0]!;
};
/** Every float32 there is, by its bits, so that all magnitudes come up alike. */
const floats = fc.integer({ min: 0, max: 0xffff_ffff }).map((bits) => {
  word[0] = bits;
  return float[0]!;
}).filter((value) => !Number.isNaN(value));
const probabilities = fc.float({ min: 0, max: 1, noNaN: true });
const digitsOf = (value: number): number => value.toExponential().replace(/e.*/, '').replace(/\D/g, '').replace(/0+$/, '').length;

describe('a float32 on the wire', () => {
  it.each([[0.3], [0.1], [1], [-2.5], [16777216], [100], [1e-7], [3.4028235e38], [1e-45], [1.1754944e-38], [0], [123456.79], [1e10], [0.0001]])('prints as %d', (decimal) => {
    expect(shortestFloat32(Math.fround(decimal))).toBe(decimal);
  });

  it('keeps its bits, through JSON', () => {
    fc.assert(fc.property(fc.oneof(floats, probabilities), (value) => {
      if (!Number.isFinite(value)) expect(shortestFloat32(value)).toBe(value);
      else expect(bitsOf(JSON.parse(JSON.stringify(shortestFloat32(value))) as number)).toBe(bitsOf(value === 0 ? 0 : value));
    }), { numRuns: 20_000 });
  });

  it('has at most nine digits, and as few as any decimal that reads back to it', () => {
    fc.assert(fc.property(fc.oneof(floats.filter(Number.isFinite), probabilities), (value) => {
      const digits = digitsOf(shortestFloat32(value));
      expect(digits).toBeLessThanOrEqual(9);
      for (let fewer = 1; fewer < digits; fewer++) {
        const shorter = Number(value.toPrecision(fewer));
        const isHalfWay = Math.fround(2 * shorter - value) === 2 * shorter - value;
        if (!isHalfWay) expect(Math.fround(shorter)).not.toBe(value);
      }
    }), { numRuns: 20_000 });
  });

  it('keeps the order of the numbers', () => {
    fc.assert(fc.property(probabilities, probabilities, (a, b) => {
      if (a < b) expect(shortestFloat32(a)).toBeLessThan(shortestFloat32(b));
    }), { numRuns: 20_000 });
  });

  it('leaves what is not finite, and the sign of zero, alone', () => {
    for (const value of [NaN, Infinity, -Infinity, 0, -0]) expect(Object.is(shortestFloat32(value), value)).toBe(true);
  });
});
