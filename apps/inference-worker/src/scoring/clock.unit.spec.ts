import fc from 'fast-check';
import { expect, it } from 'vitest';
import { instantWriter } from './clock.js';

it('writes the same text as Date for any sequence of instants', () => {
  const instants = fc.array(fc.integer({ min: -8.64e12, max: 8.64e12 }), { minLength: 1 });
  fc.assert(
    fc.property(instants, fc.array(fc.nat(), { maxLength: 50 }), (all, picks) => {
      const instant = instantWriter();
      for (const ms of [...all, ...picks.map((pick) => all[pick % all.length]! + (pick % 3))]) expect(instant(ms)).toBe(new Date(ms).toISOString());
    }),
  );
});
