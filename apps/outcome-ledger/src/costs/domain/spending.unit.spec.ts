import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spendingOfJoin, sumOfSpending, type Spending } from './spending.js';

const prediction = { day: '2026-11-21', model: 'm', version: '1', team: 'growth', role: 'champion' };
const valuation = fc.option(fc.record({ valueMicroUsd: fc.option(fc.integer({ min: -1000, max: 1000 }), { nil: undefined }) }), { nil: undefined });

describe('the value of a prediction', () => {
  it('after any corrections is that of the last join alone: the differences add up', () => {
    fc.assert(fc.property(fc.array(valuation, { minLength: 1, maxLength: 10 }), (history) => {
      const changes = history.map((after, index) => spendingOfJoin(prediction, index === 0 ? undefined : history[index - 1], after));
      const last = spendingOfJoin(prediction, undefined, history.at(-1));
      const [sum = { ...last, known: 0, valued: 0, valueMicroUsd: 0 }] = sumOfSpending(changes);
      expect([sum.known, sum.valued, sum.valueMicroUsd]).toEqual([last.known, last.valued, last.valueMicroUsd]);
    }));
  });

  it('of 0 is known to be 0, and one that nobody declared is not', () => {
    expect(spendingOfJoin(prediction, undefined, { valueMicroUsd: 0 })).toMatchObject({ known: 1, valued: 1, valueMicroUsd: 0 });
    expect(spendingOfJoin(prediction, undefined, {})).toMatchObject({ known: 1, valued: 0, valueMicroUsd: 0 });
  });
});

describe('sums', () => {
  const change = fc.record({ day: fc.constantFrom('2026-11-20', '2026-11-21'), team: fc.constantFrom('', 'a', 'b'), value: fc.integer({ min: -5, max: 5 }) })
    .map(({ day, team, value }): Spending => ({ ...spendingOfJoin({ ...prediction, day, team }, undefined, { valueMicroUsd: value }) }));

  it('have each key once, in one order whatever the order of the changes', () => {
    fc.assert(fc.property(fc.array(change), (changes) => {
      const sums = sumOfSpending(changes);
      const keys = sums.map(({ day, team }) => `${day}/${team}`);
      expect(new Set(keys).size).toBe(keys.length);
      expect(sumOfSpending(changes.toReversed())).toEqual(sums);
      expect(sums.reduce((sum, { valueMicroUsd }) => sum + valueMicroUsd, 0)).toBe(changes.reduce((sum, { valueMicroUsd }) => sum + valueMicroUsd, 0));
    }));
  });
});
