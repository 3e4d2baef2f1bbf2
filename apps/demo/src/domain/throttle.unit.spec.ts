import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FULL_SPEED, throttleAfter, type Backlog, type Throttle } from './throttle.js';

const backlog = (messages: number, messagesPerSecond = 500, consumer = 'ledger'): Backlog => ({ consumer, messages, messagesPerSecond });
const after = (seconds: number, backlogs: Backlog[], start: Throttle = FULL_SPEED): Throttle => Array.from({ length: seconds }).reduce<Throttle>((throttle) => throttleAfter(throttle, backlogs), start);

describe('throttleAfter', () => {
  it('stays at full speed while nobody is a second and a half behind', () => {
    expect(after(60, [backlog(740), backlog(0)])).toEqual({ share: 1 });
  });

  it('slows down while somebody is, and says who is the furthest behind', () => {
    expect(throttleAfter(FULL_SPEED, [backlog(1000), backlog(2500, 500, 'store')])).toEqual({ share: 0.7, behind: { consumer: 'store', messages: 2500, seconds: 5 } });
    expect(after(30, [backlog(1000)]).share).toBe(0.05);
  });

  it('stops beyond ten seconds, whatever it did before', () => {
    expect(throttleAfter(FULL_SPEED, [backlog(5001)]).share).toBe(0);
  });

  it('comes back to full speed, from a stop too, within half a minute of everybody catching up', () => {
    expect(after(30, [backlog(0)], { share: 0 })).toEqual({ share: 1 });
  });

  it('does not take a few messages of a trickle for a queue', () => {
    expect(throttleAfter(FULL_SPEED, [backlog(200, 1)])).toEqual({ share: 1 });
  });

  it('keeps a platform that takes fewer messages than are sent from falling ever further behind', () => {
    fc.assert(fc.property(fc.integer({ min: 100, max: 400 }), (capacity) => {
      let throttle = FULL_SPEED;
      let waiting = 0;
      for (let second = 0; second < 600; second++) {
        const sent = 500 * throttle.share;
        waiting = Math.max(0, waiting + sent - capacity);
        throttle = throttleAfter(throttle, [backlog(waiting, sent)]);
      }
      expect(waiting).toBeLessThan(12 * 500);
    }));
  });
});
