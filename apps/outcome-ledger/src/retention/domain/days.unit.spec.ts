import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dayOf } from '../../domain/prediction.js';
import { isDue, oldestDayKept, oldestDayKnown } from './days.js';

const nowMs = Date.parse('2026-11-21T00:00:00Z');
const DAY_MS = 86_400_000;

it('a row is taken in on its last day and refused the day after', () => {
  expect(oldestDayKept(nowMs, 90)).toBe('2026-08-23');
  expect(oldestDayKept(nowMs + DAY_MS - 1, 90)).toBe('2026-08-23');
  expect(oldestDayKept(nowMs + DAY_MS, 90)).toBe('2026-08-24');
});

it('no day goes while somebody whose clock differs by less than a day still takes its rows in', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 400 }), fc.integer({ min: -DAY_MS + 1, max: DAY_MS - 1 }), fc.nat({ max: DAY_MS }), (age, retentionDays, skewMs, atMs) => {
    const day = dayOf(nowMs - age * DAY_MS);
    if (isDue(day, nowMs + atMs, retentionDays)) expect(day < oldestDayKept(nowMs + atMs + skewMs, retentionDays)).toBe(true);
  }));
});

it('what is due is still known for the days that expired predictions are', () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 400 }), fc.nat({ max: 100 }), (age, retentionDays, expiredDays) => {
    const day = dayOf(nowMs - age * DAY_MS);
    if (day < oldestDayKnown(nowMs, retentionDays, expiredDays)) expect(isDue(day, nowMs, retentionDays)).toBe(true);
  }));
});
