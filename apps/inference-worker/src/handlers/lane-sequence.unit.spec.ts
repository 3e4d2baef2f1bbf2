import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LaneSequence } from './lane-sequence.js';

it('begins effects in the order of the batches, however long each is prepared and whichever fail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }), async (scheduler, fails) => {
      const sequence = new LaneSequence();
      const begun: number[] = [];
      const work = fails.map((isFailing, batch) => {
        const prepare = scheduler.schedule(Promise.resolve()).then(() => {
          if (isFailing) throw new Error('not prepared');
          return batch;
        });
        return sequence.inOrder(0, prepare, async (prepared) => {
          begun.push(prepared);
          await scheduler.schedule(Promise.resolve());
        });
      });
      await scheduler.waitFor(Promise.allSettled(work));
      expect(begun).toEqual(fails.flatMap((isFailing, batch) => (isFailing ? [] : [batch])));
    }),
  );
});

it('does not hold one partition back for another', async () => {
  const sequence = new LaneSequence();
  void sequence.inOrder(0, new Promise(() => {}), async () => {});
  let done = false;
  await sequence.inOrder(1, Promise.resolve(), async () => void (done = true));
  expect(done).toBe(true);
});
