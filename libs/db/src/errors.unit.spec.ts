import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import { expect, it } from 'vitest';
import { mapDatabaseError } from './errors.js';

it.each([new QueryRunnerAlreadyReleasedError(), new QueryRunnerProviderAlreadyReleasedError()])('a connection that typeorm gave up in mid-transaction is unavailable, not a defect: $name', (error) => {
  expect(mapDatabaseError(error)).toMatchObject({ code: 'unavailable' });
});

const failed = (code: string): Error => new QueryFailedError('INSERT …', [], Object.assign(new Error('no'), { code }));

it.each([
  '08006', '25P02', '25P03', '25006', '28P01', '3D000', '3F000', '40001', '40P01', '42501', '53100', '53300', '55P03', '57014', '57P01', '58030', 'F0000', 'XX000', 'XX001',
])('SQLSTATE %s says nothing about the statement: whoever repeats it loses nothing', (code) => {
  expect(mapDatabaseError(failed(code))).toMatchObject({ code: 'unavailable' });
});

it.each(['22P02', '22008', '23505', '23514', '42601', '42703', '54000'])('SQLSTATE %s is the statement’s own: repeating it would hold up all that follow', (code) => {
  expect(mapDatabaseError(failed(code))).toMatchObject({ driverError: { code } });
});

it.each([
  Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }), Object.assign(new Error('address not available'), { code: 'EADDRNOTAVAIL', syscall: 'connect' }),
  Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' }), Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), new Error('timeout expired'),
])('a connection that cannot be had or kept is unavailable: $message', (error) => {
  expect(mapDatabaseError(error)).toMatchObject({ code: 'unavailable' });
});

it('what PostgreSQL quotes of the values that it refused is in no message, stack or member; code, table, column and constraint are', () => {
  const refusal = Object.assign(new Error('invalid input syntax for type integer: "hunter2"'), {
    code: '22P02', table: 'outcome', column: 'sequence', constraint: 'positive', detail: 'Key (source)=(hunter2)', where: 'COPY outcome, line 1, column sequence: "hunter2"', hint: 'hunter2?',
  });
  const error = mapDatabaseError(new QueryFailedError('INSERT …', ['hunter2'], refusal)) as QueryFailedError;
  expect(error.message).toBe('PostgreSQL refused the statement: 22P02, table outcome, column sequence, constraint positive');
  expect([error.stack, error.driverError.message, error.driverError.stack, JSON.stringify(error), JSON.stringify(error.driverError)].join()).not.toContain('hunter2');
});

it('a statement that is wrong in itself is quoted: it names tables and columns', () => {
  const error = mapDatabaseError(new QueryFailedError('SELECT …', [], Object.assign(new Error('relation "things" does not exist'), { code: '42P01' })));
  expect(error).toMatchObject({ message: 'relation "things" does not exist' });
});
