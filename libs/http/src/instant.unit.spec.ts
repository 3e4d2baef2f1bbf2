import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalInstant } from './instant.js';

it('gives an instant on in UTC, whatever offset and fraction it is written with', () => {
  expect(canonicalInstant('0234-12-18T05:26:12.83+16:11')).toBe('0234-12-17T13:15:12.830Z');
  expect(canonicalInstant('2001-02-03t04:05:06z')).toBe('2001-02-03T04:05:06.000Z');
  expect(canonicalInstant('2001-02-03T04:05:06.123456789-00:00')).toBe('2001-02-03T04:05:06.123Z');
});
it.each(['2001-02-30T00:00:00Z', '2001-02-03', '2001-02-03T04:05:06', '2001-W05-1T00:00:00Z', '2001-02-03T23:59:60Z', '0001-01-01T00:00:00+01:00', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59-00:01', 17, null, `2001-02-03T04:05:06.${'1'.repeat(30)}Z`])(
  'takes %j for no instant', (value) => expect(canonicalInstant(value)).toBeUndefined(),
);
it('leaves an instant as it is that it gave on', () => {
  fc.assert(fc.property(fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true }), (date) => canonicalInstant(date.toISOString()) === date.toISOString()));
});
