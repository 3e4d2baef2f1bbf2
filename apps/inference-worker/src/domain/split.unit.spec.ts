import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { armAt, splitPoint } from './split.js';

const vectors = JSON.parse(readFileSync(new URL('split-vectors.json', import.meta.url), 'utf8')) as { salt: string; key: string; point: number }[];

describe('the point of a key', () => {
  it.each(vectors)('is what another language computes for $salt, $key', ({ salt, key, point }) => {
    expect(splitPoint(salt, key)).toBe(point);
  });

  it('lies in [0, 1) for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (salt, key) => {
        const point = splitPoint(salt, key);
        expect(point >= 0 && point < 1).toBe(true);
      }),
    );
  });

  it('is dealt anew by another salt', () => {
    const keys = Array.from({ length: 4000 }, (_, index) => `case-${index}`);
    const inBoth = keys.filter((key) => splitPoint('one', key) < 0.5 && splitPoint('two', key) < 0.5);
    expect(inBoth.length / keys.length).toBeCloseTo(0.25, 1);
  });
});

const shares = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 5 }).map((parts) => {
  const whole = Math.max(100, parts.reduce((sum, part) => sum + part, 0));
  return parts.map((part) => part / whole);
});
const armsOf = (all: readonly number[]) => all.map((share, index) => ({ index, share }));

describe('the arms', () => {
  it('get their shares of the keys, the champion the rest, whatever the salt', () => {
    const COUNT = 4000;
    fc.assert(
      fc.property(shares, fc.string(), (all, salt) => {
        const counts = new Array<number>(all.length).fill(0);
        for (let key = 0; key < COUNT; key++) {
          const arm = armAt(armsOf(all), splitPoint(salt, `case-${key}`));
          if (arm !== undefined) counts[arm.index]!++;
        }
        // Six standard deviations: a fair split fails once in a hundred million.
        all.forEach((share, index) => expect(Math.abs(counts[index]! / COUNT - share)).toBeLessThanOrEqual(6 * Math.sqrt((share * (1 - share)) / COUNT) + 1e-9));
      }),
      { numRuns: 30 },
    );
  });

  it('keep every key when their share is raised', () => {
    const points = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(shares, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), points, (all, pick, more, at) => {
        const raised = pick % all.length;
        const after = all.map((share, index) => (index === raised ? share + more : share));
        for (const point of at) if (armAt(armsOf(all), point)?.index === raised) expect(armAt(armsOf(after), point)?.index).toBe(raised);
      }),
    );
  });
});
