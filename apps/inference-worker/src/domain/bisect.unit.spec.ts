import fc from 'fast-check';
import { expect, it } from 'vitest';
import { runBisecting } from './bisect.js';

it('answers every row that can be answered, whichever fail, and covers each row once in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 80 }), fc.uniqueArray(fc.nat(79)), async (rowCount, bad) => {
      let runs = 0;
      const parts = await runBisecting(0, rowCount, async (from, to) => {
        runs++;
        for (let row = from; row < to; row++) if (bad.includes(row)) throw new Error(`row ${row}`);
        return from;
      });
      expect(parts.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at))).toEqual(Array.from({ length: rowCount }, (_, row) => row));
      const failed = parts.filter(({ error }) => error !== undefined).map(({ from }) => from);
      expect(failed).toEqual(bad.filter((row) => row < rowCount).sort((a, b) => a - b));
      expect(runs).toBeLessThanOrEqual(1 + failed.length * 2 * Math.ceil(Math.log2(rowCount + 1)));
    }),
  );
});
