import { describe, expect, it } from 'vitest';
import { isRecreated, notYetApplied, progressAfter } from './progress.js';

const message = (offset: number, timestampMs = offset) => ({ message: { offset: String(offset), timestampMs } });
const offsets = (batch: readonly { message: { offset: string } }[]) => batch.map((m) => m.message.offset);

describe('progress of a partition', () => {
  it('lets each offset through once, whatever is redelivered', () => {
    const progress = progressAfter([message(4), message(6)]);
    expect(progress).toEqual({ nextOffset: 7n, lastTimestampMs: 6 });
    expect(offsets(notYetApplied(progress, [message(5), message(6), message(7), message(9)]))).toEqual(['7', '9']);
    expect(offsets(notYetApplied(progress, [message(4), message(6)]))).toEqual([]);
  });

  it('lets everything through at first', () => {
    expect(offsets(notYetApplied(undefined, [message(5)]))).toEqual(['5']);
  });

  it('starts over when the topic was made anew: low offsets, yet much younger than what was applied', () => {
    const progress = progressAfter([message(9000, 1_000_000)]);
    const anew = [message(0, 2_000_000), message(1, 2_000_001)];
    expect(isRecreated(progress, anew[0]!)).toBe(true);
    expect(offsets(notYetApplied(progress, anew))).toEqual(['0', '1']);
    expect(isRecreated(progress, message(8999, 1_000_500))).toBe(false);
  });
});
