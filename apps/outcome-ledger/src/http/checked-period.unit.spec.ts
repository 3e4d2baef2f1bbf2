import { ContractError } from '@throughline/contracts';
import { expect, it } from 'vitest';
import { checkedId } from './checked-id.js';
import { checkPeriod } from './checked-period.js';

const thrownBy = (act: () => unknown): ContractError => {
  try {
    act();
  } catch (error) {
    return error as ContractError;
  }
  throw new Error('nothing was thrown');
};

it('a period that ends before it begins, or at once, is refused with both ends and what the later one is by itself', () => {
  const { code, message, cure } = thrownBy(() => checkPeriod(Date.UTC(2026, 10, 14), Date.UTC(2001, 0, 30), 'the model’s newest event'));
  expect(code).toBe('invalid_request');
  expect(message).toBe('from must be before to: from is 2026-11-14T00:00:00.000Z, to is 2001-01-30T00:00:00.000Z');
  expect(cure).toBe('Give an earlier from, or a later to, which is the model’s newest event unless it is given.');
  expect(() => checkPeriod(1, 1)).toThrow(ContractError);
  expect(() => checkPeriod(1, 2)).not.toThrow();
});

it('what is no id is refused with where ids are found; a trace’s id is told to be one', () => {
  expect(thrownBy(() => checkedId('nonsense')).cure).toContain('`npx throughline predictions list`');
  expect(thrownBy(() => checkedId('f07a3b9d7bb29e32cff4a8b99f69742b')).message).toBe('predictionId is not a UUID: it has the form of a trace’s id');
  expect(thrownBy(() => checkedId('nonsense', 'erasureId')).message).toBe('erasureId is not a UUID');
});
