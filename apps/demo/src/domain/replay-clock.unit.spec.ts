import { describe, expect, it } from 'vitest';
import { ReplayClock } from './replay-clock.js';

describe('ReplayClock', () => {
  it('lets event time pass at its speed, or a share of it', () => {
    const clock = new ReplayClock(1000, 1800);
    expect(clock.advance(20, 1)).toBe(1000 + 36_000);
    expect(clock.advance(20, 0.5)).toBe(1000 + 54_000);
    expect(clock.advance(20, 0)).toBe(1000 + 54_000);
    expect(clock.nowMs).toBe(55_000);
  });

  it('does not make up in one burst for a process that stood still', () => {
    expect(new ReplayClock(0, 10).advance(60_000, 1)).toBe(2500);
  });
});
