import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FailureWindow } from './failure-window.js';

const calls = fc.array(fc.record({ afterMs: fc.nat(3000), hasFailed: fc.boolean() }), { maxLength: 60 });

describe('the window of failures', () => {
  it('judges by the calls of the window alone, give or take the tenth that it moves by', () => {
    fc.assert(
      fc.property(calls, fc.constantFrom(0.1, 0.5, 1), fc.nat(12), (sequence, failureShare, minCalls) => {
        const window = new FailureWindow({ windowMs: 10_000, failureShare, minCalls });
        let nowMs = 1_700_000_000_000;
        const seen: { atMs: number; hasFailed: boolean }[] = [];
        for (const { afterMs, hasFailed } of sequence) {
          nowMs += afterMs;
          window.record(hasFailed, nowMs);
          seen.push({ atMs: nowMs, hasFailed });
          const fromMs = (Math.floor(nowMs / 1000) - 9) * 1000;
          const within = seen.filter(({ atMs }) => atMs >= fromMs);
          const failures = within.filter((call) => call.hasFailed).length;
          expect(window.isFailing(nowMs)).toBe(failures > 0 && within.length >= minCalls && failures >= failureShare * within.length);
        }
      }),
    );
  });

  it('forgets what is old although nothing has come since', () => {
    const window = new FailureWindow({ windowMs: 10_000, failureShare: 0.5, minCalls: 10 });
    // One call a minute: a window that moves by calls instead of time would hold ten of them.
    for (let minute = 0; minute < 20; minute++) {
      window.record(true, minute * 60_000);
      expect(window.isFailing(minute * 60_000)).toBe(false);
    }
  });

  it('starts anew once cleared', () => {
    const window = new FailureWindow({ windowMs: 1000, failureShare: 0.5, minCalls: 1 });
    window.record(true, 5);
    expect(window.isFailing(5)).toBe(true);
    window.clear();
    expect(window.isFailing(5)).toBe(false);
    window.record(false, 5);
    window.record(true, 5);
    expect(window.isFailing(5)).toBe(true);
  });
});
