import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitConcurrency } from './limit-concurrency.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('limited work', () => {
  it('never runs more at once than allowed, in the order it came, and all of it that was let in', () =>
    fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(fc.boolean(), { maxLength: 30 }), async (running, outcomes) => {
      const limited = limitConcurrency(running, outcomes.length);
      const started: number[] = [];
      let now = 0;
      let most = 0;
      const results = await Promise.allSettled(outcomes.map((succeeds, index) => limited(async () => {
        started.push(index);
        most = Math.max(most, (now += 1));
        await turn();
        now -= 1;
        if (!succeeds) throw new Error('failed');
      })));
      expect(most).toBeLessThanOrEqual(running);
      expect(started).toEqual(outcomes.map((_, index) => index));
      expect(results.map(({ status }) => status === 'fulfilled')).toEqual(outcomes);
    })));

  it('turns away what would have to wait too long', async () => {
    const limited = limitConcurrency(1, 1);
    let end: () => void = () => undefined;
    const first = limited(() => new Promise<void>((resolve) => { end = resolve; }));
    const second = limited(async () => 'second');
    await expect(limited(async () => 'third')).rejects.toMatchObject({ code: 'overloaded' });
    end();
    await first;
    expect(await second).toBe('second');
    expect(await limited(async () => 'fourth')).toBe('fourth');
  });
});
