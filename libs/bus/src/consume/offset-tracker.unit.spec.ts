import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OffsetTracker } from './offset-tracker.js';

describe('OffsetTracker', () => {
  it('has nothing to commit before the first batch has finished', () => {
    const tracker = new OffsetTracker();
    const first = tracker.start(9);
    const second = tracker.start(19);
    tracker.finish(second);
    expect(tracker.committable).toBeUndefined();
    tracker.finish(first);
    expect(tracker.committable).toBe(20);
  });

  it('commits exactly the finished prefix, in whatever order batches finish and whatever gaps offsets have', () => {
    const batches = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat()), (sizes, choices) => {
        const tracker = new OffsetTracker();
        let last = -1;
        const open = sizes.map((size) => ({ last: (last += size), batch: tracker.start(last), finished: false }));
        const unfinished = [...open];
        let before = -1;
        while (unfinished.length > 0) {
          const [chosen] = unfinished.splice(choices.next().value! % unfinished.length, 1);
          chosen!.finished = true;
          tracker.finish(chosen!.batch);
          const firstOpen = open.findIndex(({ finished }) => !finished);
          const prefix = firstOpen === -1 ? open : open.slice(0, firstOpen);
          expect(tracker.committable).toBe(prefix.length === 0 ? undefined : prefix.at(-1)!.last + 1);
          expect(tracker.open).toBe(open.length - prefix.length);
          expect(tracker.committable ?? -1).toBeGreaterThanOrEqual(before);
          before = tracker.committable ?? -1;
        }
        expect(tracker.open).toBe(0);
      }),
    );
  });

  it('forgets what it has committed, however long it runs', () => {
    const tracker = new OffsetTracker();
    const straggler = tracker.start(0);
    for (let offset = 1; offset <= 5_000; offset += 1) tracker.finish(tracker.start(offset));
    expect(tracker.committable).toBeUndefined();
    tracker.finish(straggler);
    expect(tracker.committable).toBe(5_001);
    expect(tracker.open).toBe(0);
  });
});
