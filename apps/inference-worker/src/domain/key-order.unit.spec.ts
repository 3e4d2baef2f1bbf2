import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyOrder, type Keyed } from './key-order.js';

interface Numbered extends Keyed {
  readonly n: number;
}
const row = (n: number, orderKey: string): Numbered => ({ n, orderKey, before: undefined, after: undefined, isDone: false });

describe('the order of a key', () => {
  it('is kept, every row is released exactly once, and nobody waits for another key, in whatever order rows finish', () => {
    const scenario = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 80 }).chain((keys) =>
      fc.tuple(fc.constant(keys), fc.shuffledSubarray(keys.map((_, index) => index), { minLength: keys.length, maxLength: keys.length }), fc.integer({ min: 1, max: 10 })),
    );
    fc.assert(
      fc.property(scenario, ([keys, finishing, chunk]) => {
        const order = new KeyOrder<Numbered>();
        const rows = keys.map((key, n) => row(n, key));
        for (const one of rows) order.enter(one);
        const released: number[] = [];
        const finished = new Set<number>();
        for (let start = 0; start < finishing.length; start += chunk) {
          const part = finishing.slice(start, start + chunk);
          for (const n of part) finished.add(n);
          released.push(...order.done(part.map((n) => rows[n]!)).map(({ n }) => n));
          // Whoever is finished, and all before it of its key too, has been released.
          for (const n of finished) {
            const isFree = rows.every((other) => other.orderKey !== keys[n] || other.n > n || finished.has(other.n));
            expect(released.includes(n)).toBe(isFree);
          }
        }
        expect(released.toSorted((x, y) => x - y)).toEqual(rows.map(({ n }) => n));
        for (const key of ['a', 'b', 'c']) {
          const ofKey = released.filter((n) => keys[n] === key);
          expect(ofKey).toEqual(ofKey.toSorted((x, y) => x - y));
        }
        expect(order.openKeys).toBe(0);
      }),
    );
  });
});
