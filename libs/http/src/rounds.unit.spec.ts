import { once, EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Rounds } from './rounds.js';

const NEVER_MS = 1e9;

describe('rounds', () => {
  it('begin at once, and again without a pause when asked to, even by a round under way', async () => {
    const events = new EventEmitter();
    let begun = 0;
    const rounds: Rounds = new Rounds(NEVER_MS, async () => {
      begun += 1;
      events.emit('round');
      await Promise.resolve();
      if (begun === 2) rounds.soon();
    }, () => undefined);
    expect(begun).toBe(1);
    const second = once(events, 'round');
    rounds.soon();
    await second;
    await once(events, 'round');
    expect(begun).toBe(3);
    await rounds.stop();
  });

  it('go on after one that failed', async () => {
    const failures: unknown[] = [];
    const events = new EventEmitter();
    const rounds = new Rounds(1, async () => {
      events.emit('round');
      return Promise.reject(new Error('no'));
    }, (error) => failures.push(error));
    await once(events, 'round');
    await once(events, 'round');
    await rounds.stop();
    expect(failures.length).toBeGreaterThanOrEqual(2);
  });

  it('tell the one under way that they are to stop, wait for its end, and begin no other', async () => {
    const told: string[] = [];
    const rounds = new Rounds(0, async (stopping) => {
      told.push('begun');
      await once(stopping, 'abort');
      told.push('ended');
    }, () => undefined);
    await rounds.stop();
    expect(told).toEqual(['begun', 'ended']);
  });
});
