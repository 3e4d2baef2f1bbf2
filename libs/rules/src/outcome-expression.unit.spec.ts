import { expect, it } from 'vitest';
import { compileOutcomeExpression } from './outcome-expression.js';

const event = { value: 20, text: '', source: 'arrivals', delaySeconds: 60 };

it.each([
  ['value > 15', true], ['value / 60', 20 / 60], ['int(value) + 1', 21], ['source == "arrivals" && delaySeconds <= 60', true], ['text == "late"', false], ['isNaN(value) ? 0.0 : value', 20],
] as const)('%s is computed of an outcome', (text, expected) => {
  expect(compileOutcomeExpression(text).evaluate(event)).toBe(expected);
});

it.each([
  ['vlaue > 15', 1, 'there is no “vlaue”'], ['value > ', 9, ''], ['text', undefined, 'it yields text'], ['value == "late"', 1, 'no such overload'],
] as const)('%s is refused with its place', (text, position, reason) => {
  expect(() => compileOutcomeExpression(text)).toThrow(expect.objectContaining({ name: 'RulesError', position, message: expect.stringContaining(reason) }));
});
