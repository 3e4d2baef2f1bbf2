import { describe, expect, it } from 'vitest';
import { eventsOfPush } from './push.js';

const frame = { airport: ['ATL', 7], event_timestamp: ['2001-01-01T00:00:00Z', '2001-01-01T00:01:00Z'], delay: [3, null] };
const LATEST_MS = Date.UTC(2001, 0, 1, 0, 1);

describe('eventsOfPush', () => {
  it('makes each row an event of the source', () => {
    expect(eventsOfPush('departed', 'airport', frame, LATEST_MS)).toEqual([
      { event: 'departed', entityType: 'airport', entityId: 'ATL', occurredAtMs: Date.UTC(2001, 0, 1), values: { delay: 3 } },
      { event: 'departed', entityType: 'airport', entityId: '7', occurredAtMs: Date.UTC(2001, 0, 1, 0, 1), values: { delay: null } },
    ]);
  });

  it.each([
    ['no entity column', { event_timestamp: frame.event_timestamp }, 'df needs the column airport'],
    ['no times', { airport: ['ATL'] }, 'df needs the column event_timestamp'],
    ['columns of different length', { ...frame, delay: [1] }, 'df.delay has 1 rows, df.airport has 2'],
    ['a time that is none', { ...frame, event_timestamp: ['soon', 'later'] }, 'df.event_timestamp[0] must be an RFC 3339 instant'],
    ['a time to come', { ...frame, event_timestamp: [frame.event_timestamp[0], '2001-01-01T00:01:01Z'] }, 'df.event_timestamp[1] lies in the future'],
    ['an entity that is none', { ...frame, airport: [{}, 'ATL'] }, 'df.airport[0] must be a text'],
    ['a value that is none', { ...frame, delay: [{}, 1] }, 'df.delay[0] must be a number, text, boolean or null'],
  ])('names the column and row that is wrong: %s', (_, df, reason) => {
    expect(() => eventsOfPush('departed', 'airport', df, LATEST_MS)).toThrow(reason);
  });
});
