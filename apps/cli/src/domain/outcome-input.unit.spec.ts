import { expect, it } from 'vitest';
import { checkFlags, checkOutcome, EXAMPLE_LINE, readLines, readValue } from './outcome-input.js';

it.each([['true', true], ['false', false], ['1', 1], ['-2.5e3', -2500], ['.5', 0.5], ['churned', 'churned'], ['"1"', '1'], ['1st', '1st'], ['', '']] as const)('reads %j as %j', (text, value) => {
  expect(readValue(text)).toBe(value);
});

const line = '{"predictionId":"7b76029e-19dc-5779-9358-6c2488af76f8","value":true,"source":"s","sequence":0,"occurredAt":"2001-02-03T04:05:06Z"}';

it('names the line that is wrong', () => {
  expect(readLines(`${line}\n\n${line}\n`)).toHaveLength(2);
  expect(() => readLines(`${line}\n{`)).toThrow('line 2 is not JSON');
  expect(() => readLines(`\n${line.replace('"sequence":0,', '')}`)).toThrow(/^line 2: data must have required property 'sequence'/);
});

it('refuses an outcome that names no prediction', () => {
  expect(() => checkOutcome({ value: 1, source: 's', sequence: 0, occurredAt: '2001-02-03T04:05:06Z', requestId: 'alone' })).toThrow('it names no prediction');
});

it('speaks of flags where flags were given', () => {
  const flags = { value: true, source: 's', sequence: 0, occurredAt: '2001-02-03T04:05:06Z' };
  expect(() => checkFlags({ ...flags, predictionId: 'nonsense' })).toThrow(/^--prediction must match format "uuid"/);
  expect(() => checkFlags({ ...flags, requestId: '1', requestSource: '/s', occurredAt: 'yesterday' })).toThrow(/^--occurred-at must match/);
  expect(() => checkFlags(flags)).toThrow(expect.objectContaining({ cure: expect.stringContaining('--prediction') as string }));
});

it('takes the line that its help shows', () => {
  expect(readLines(EXAMPLE_LINE)).toHaveLength(1);
});
