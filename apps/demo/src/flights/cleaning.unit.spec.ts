import { describe, expect, it } from 'vitest';
import { cleanStamp } from './cleaning.js';

const at = (stamp: string) => Date.parse(`${stamp}Z`);
const kept = (stamp: string, movedToNextDay = false) => ({ departedWallMs: at(stamp), movedToNextDay });

describe('cleanStamp', () => {
  it('keeps an ordinary flight as it is', () => {
    expect(cleanStamp(at('2001-01-03T12:34'), 14)).toEqual(kept('2001-01-03T12:34'));
  });

  it('moves a late evening flight, stamped after midnight of its scheduled day, to the night that followed', () => {
    expect(cleanStamp(at('2001-01-01T00:04'), 105)).toEqual(kept('2001-01-02T00:04', true));
    expect(cleanStamp(at('2001-06-20T08:06'), 756)).toEqual(kept('2001-06-21T08:06', true));
  });

  it('leaves a night flight that is due after midnight where it is', () => {
    expect(cleanStamp(at('2001-01-01T00:56'), -5)).toEqual(kept('2001-01-01T00:56'));
    expect(cleanStamp(at('2001-01-05T02:40'), 100)).toEqual(kept('2001-01-05T02:40'));
  });

  it('leaves midnight itself, which the file already counts to the day that begins', () => {
    expect(cleanStamp(at('2001-01-02T00:00'), 40)).toEqual(kept('2001-01-02T00:00'));
  });

  it('drops delays that are a day too long around midnight, and keeps such delays at other hours', () => {
    expect(cleanStamp(at('2001-02-17T23:57'), 1421)).toEqual({ dropped: 'dayTooLate' });
    expect(cleanStamp(at('2001-02-15T00:00'), 1403)).toEqual({ dropped: 'dayTooLate' });
    expect(cleanStamp(at('2001-01-19T22:42'), 1688)).toEqual(kept('2001-01-20T22:42', true));
  });

  it('drops arrivals earlier than any aircraft could make', () => {
    expect(cleanStamp(at('2001-02-27T23:10'), -1116)).toEqual({ dropped: 'impossiblyEarly' });
    expect(cleanStamp(at('2001-02-03T22:08'), -87)).toEqual(kept('2001-02-03T22:08'));
  });
});
