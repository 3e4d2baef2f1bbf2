import { expect, it } from 'vitest';
import { instant } from './prediction.js';

it.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+12:00', '9999-12-31T23:59:59-23:59'])('%s, which the schema lets through and the database could not hold, is refused by name before it is written', (text) => {
  expect(() => instant(text, 'occurredAt')).toThrow('data.occurredAt is not within the years 1 to 9999');
});
it.each(['0001-01-01T00:00:00Z', '1969-07-20T20:17:40Z', '9999-12-31T23:59:59.999Z'])('%s is an instant', (text) => expect(instant(text, 'occurredAt')).toBe(Date.parse(text)));
it('what is no instant at all is the schema’s business', () => expect(() => instant('2001-13-01T00:00:00Z', 'occurredAt')).toThrow('not an RFC 3339 instant'));
