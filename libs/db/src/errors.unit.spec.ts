import { ContractError } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { isUnavailable, mapDatabaseError } from './errors.js';

const withCode = (code: string, message = 'm'): Error => Object.assign(new Error(message), { code });

describe('errors of the database', () => {
  it.each(['ECONNREFUSED', 'ECONNRESET', '08006', '57P01', '57P03', '53300', '40001', '40P01', '25006'])('takes %s for an outage', (code) => {
    expect(isUnavailable(withCode(code))).toBe(true);
    expect(isUnavailable(Object.assign(new Error('query failed'), { driverError: withCode(code) }))).toBe(true);
    expect(isUnavailable(new Error('outer', { cause: withCode(code) }))).toBe(true);
  });

  it.each(['23505', '22P02', '42P01', '57014'])('takes %s for what it is: a fault of the statement', (code) => {
    expect(isUnavailable(withCode(code))).toBe(false);
  });

  it('recognises what pg says without a code, and several refused addresses', () => {
    expect(isUnavailable(new Error('Connection terminated unexpectedly'))).toBe(true);
    expect(isUnavailable(new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]))).toBe(true);
  });

  it('leaves every other error as it is', () => {
    const own = new ContractError('conflict', 'c');
    const foreign = new Error('f');
    expect(mapDatabaseError(own)).toBe(own);
    expect(mapDatabaseError(foreign)).toBe(foreign);
    expect(mapDatabaseError(withCode('57P01'))).toMatchObject({ code: 'unavailable' });
  });
});
