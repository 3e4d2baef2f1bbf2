import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nextDueMs, scheduleProblem } from './schedule.js';

const at = (instant: string): number => Date.parse(instant);
const next = (cron: string, timeZone: string | undefined, after: string): string | undefined => {
  const dueMs = nextDueMs({ cron, timeZone }, at(after));
  return dueMs === undefined ? undefined : new Date(dueMs).toISOString();
};

it('a schedule comes by the clock of its time zone, UTC by default', () => {
  expect(next('30 3 * * 1', undefined, '2026-11-21T12:00:00Z')).toBe('2026-11-23T03:30:00.000Z');
  expect(next('30 3 * * 1', 'Europe/Berlin', '2026-11-21T12:00:00Z')).toBe('2026-11-23T02:30:00.000Z');
  expect(next('30 3 * * 1', 'Europe/Berlin', '2026-07-01T12:00:00Z')).toBe('2026-07-06T01:30:00.000Z');
});

it('an hour that the clocks skip is not missed, and one that they repeat comes once', () => {
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:30:00.000Z');
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:30:00.000Z');
  expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-26T01:30:00.000Z');
});

it.each([
  [{ cron: '61 * * * *' }, 'schedule.cron “61 * * * *” cannot be read: Invalid value for minute: 61'],
  [{ cron: '* * * * * *' }, 'requires exactly 5 parts'],
  [{ cron: 'every monday' }, 'cannot be read'],
  [{ cron: '0 0 30 2 *' }, 'never comes'],
  [{ cron: '0 0 * * *', timeZone: 'Mars/Olympus' }, 'schedule.timeZone “Mars/Olympus” is not known'],
])('%j is refused with what is wrong with it', (schedule, problem) => {
  expect(scheduleProblem(schedule)).toContain(problem);
});

it('what is next is always later, and nothing lies between', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 23 }), fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') }), fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'), (minute, hour, afterMs, timeZone) => {
      const schedule = { cron: `${minute} ${hour} * * *`, timeZone };
      const dueMs = nextDueMs(schedule, afterMs)!;
      expect(dueMs).toBeGreaterThan(afterMs);
      expect(nextDueMs(schedule, dueMs - 1)).toBe(dueMs);
      expect(dueMs - afterMs).toBeLessThanOrEqual(26 * 3600_000);
    }),
    { numRuns: 300 },
  );
});
