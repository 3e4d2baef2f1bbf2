import { describe, expect, it } from 'vitest';
import { durationText, progressText, rateOf } from './meter.js';

describe('the progress of a job', () => {
  it('is rows done, the rate of late, and the time that is left at that rate', () => {
    const rowsPerSecond = rateOf([{ atMs: 1000, rows: 10_000 }, { atMs: 2000, rows: 50_000 }, { atMs: 5000, rows: 130_000 }]);
    expect(rowsPerSecond).toBe(30_000);
    expect(progressText({ total: 1_000_000, rows: 130_000, rowsPerSecond, note: '' })).toBe('130,000 of 1,000,000 rows | 30,000/s | 29 s left');
  });

  it('promises no end while nothing moves, and says what is waited for', () => {
    expect(rateOf([{ atMs: 1000, rows: 5 }])).toBe(0);
    expect(progressText({ total: 10, rows: 5, rowsPerSecond: 0, note: '' })).toBe('5 of 10 rows | 0/s | remaining time unknown');
    expect(progressText({ total: 10, rows: 5, rowsPerSecond: 0, note: 'no worker reads the topic' })).toBe('5 of 10 rows | no worker reads the topic');
  });

  it.each([[0.2, '1 s'], [59, '59 s'], [60, '1 min 0 s'], [3725, '1 h 2 min']])('says %d s as “%s”', (seconds, text) => expect(durationText(seconds)).toBe(text));
});
