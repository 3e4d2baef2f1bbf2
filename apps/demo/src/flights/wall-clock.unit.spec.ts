import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WallClock } from './wall-clock.js';

const newYork = new WallClock('America/New_York');
const instant = (clock: WallClock, wall: string) => new Date(clock.toInstantMs(Date.parse(`${wall}Z`))).toISOString();

describe('WallClock', () => {
  it('follows the change to summer time, and moves a skipped time on', () => {
    expect(instant(newYork, '2001-04-01T01:59')).toBe('2001-04-01T06:59:00.000Z');
    expect(instant(newYork, '2001-04-01T02:10')).toBe('2001-04-01T07:10:00.000Z');
    expect(instant(newYork, '2001-04-01T03:10')).toBe('2001-04-01T07:10:00.000Z');
  });

  it('takes the later of a time that the clock shows twice', () => {
    expect(instant(newYork, '2001-10-28T00:59')).toBe('2001-10-28T04:59:00.000Z');
    expect(instant(newYork, '2001-10-28T01:30')).toBe('2001-10-28T06:30:00.000Z');
  });

  it('agrees with the formatter of the platform at any time it does not skip', () => {
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: 'America/Los_Angeles', dateStyle: 'short', timeStyle: 'medium' });
    const clock = new WallClock('America/Los_Angeles');
    fc.assert(fc.property(fc.integer({ min: Date.UTC(2001, 0, 1) / 60_000, max: Date.UTC(2001, 11, 31) / 60_000 }), (minute) => {
      const wallMs = minute * 60_000;
      const skipped = wallMs >= Date.UTC(2001, 3, 1, 2) && wallMs < Date.UTC(2001, 3, 1, 3);
      fc.pre(!skipped);
      expect(format.format(clock.toInstantMs(wallMs))).toBe(new Date(wallMs).toISOString().slice(0, 19).replace('T', ' '));
    }));
  });
});
