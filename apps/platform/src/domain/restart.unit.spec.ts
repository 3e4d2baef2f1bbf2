import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { afterExit, describeExit } from './restart.js';

const KILLED = { code: undefined, signal: 'SIGKILL' };

describe('afterExit', () => {
  it('starts a killed process again almost at once', () => {
    expect(afterExit(KILLED, 0, 5000)).toEqual({ kind: 'restart', delayMs: 250, failuresInRow: 1 });
  });

  it('doubles the pause with every failure in a row, up to 30 s', () => {
    const delays: number[] = [];
    let failures = 0;
    for (let i = 0; i < 10; i++) {
      const decision = afterExit({ code: 1 }, failures, 100);
      if (decision.kind === 'give up') throw new Error('gave up');
      delays.push(decision.delayMs);
      failures = decision.failuresInRow;
    }
    expect(delays).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it('forgets earlier failures after a minute of good work', () => {
    expect(afterExit(KILLED, 9, 60_000)).toMatchObject({ delayMs: 250, failuresInRow: 1 });
  });

  it('does not start again what says that its configuration is wrong', () => {
    expect(afterExit({ code: 78 }, 0, 100)).toEqual({ kind: 'give up' });
  });

  it('starts again whatever else ended it, even an exit that looks good', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 77 }), fc.nat(1000), fc.nat(), (code, failures, ranMs) => afterExit({ code }, failures, ranMs).kind === 'restart'),
    );
  });

  it('is told in words', () => {
    expect([describeExit(KILLED), describeExit({ code: 3 }), describeExit({ code: undefined })]).toEqual([
      'was ended by SIGKILL',
      'ended with code 3',
      'could not be started',
    ]);
  });
});
