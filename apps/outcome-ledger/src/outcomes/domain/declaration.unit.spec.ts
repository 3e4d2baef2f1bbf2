import type { OutcomeDeclaration } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { declare, judge, negativeAfterSeconds, valueMicroUsd, type OutcomeReading } from './declaration.js';
import { eventNowMs } from './event-clock.js';
import { fromTheFuture } from './future.js';

type Task = NonNullable<OutcomeReading['task']>;
const reading = (task: Task | undefined, declaration?: OutcomeDeclaration): OutcomeReading => ({ task, threshold: 0.5, declared: declaration && declare(declaration, 1) });
const statement = (value: number | boolean | string, delaySeconds = 60) => ({ value, source: 'arrivals', delaySeconds });

describe('an outcome of a model that declares nothing', () => {
  it.each([['binary_classification', 'yes'], ['binary_classification', 0.5], ['regression', '3'], ['regression', true]] as const)('of %s is not %j', (task, value) => {
    expect(judge(reading(task), statement(value)).misfit).toMatch(/outcome is/);
  });

  it.each([['binary_classification', true], ['binary_classification', 0], ['regression', -2.5], ['other', 'anything'], [undefined, 'anything']] as const)('of %s may be %j, and is the truth itself', (task, value) => {
    expect(judge(reading(task), statement(value))).toEqual({ truth: value });
  });
});

describe('a declared outcome', () => {
  it.each([
    ['binary_classification', { positiveFrom: 15 }, 15, true], ['binary_classification', { positiveFrom: 15 }, 14.9, false], ['binary_classification', { positiveFrom: 15 }, 1, false],
    ['binary_classification', { positiveFrom: 15 }, true, true], ['regression', { positiveFrom: 15 }, 20, 20], ['other', { positiveFrom: 15 }, 20, true],
    ['binary_classification', { expression: 'value > 15' }, 20, true], ['binary_classification', { expression: 'text == "late"' }, 'late', true], ['binary_classification', { expression: 'text == "late"' }, 3, false],
    ['binary_classification', { expression: 'value / 60', positiveFrom: 0.5 }, 31, true], ['binary_classification', { expression: 'delaySeconds < 3600 && value == 1' }, true, true],
    ['binary_classification', { expression: 'source == "arrivals" ? value : 0' }, 1, 1], ['regression', { expression: 'value * 60' }, 2, 120],
  ] as const)('of %s under %j makes %j the truth %j', (task, declaration, value, truth) => {
    expect(judge(reading(task, declaration), statement(value))).toEqual({ truth });
  });

  it.each([
    ['binary_classification', { positiveFrom: 15 }, 'late', /not a string/], ['binary_classification', { expression: 'value * 2' }, 20, /another number/], ['regression', { expression: 'value > 1' }, 20, /not a boolean/],
    ['regression', { expression: 'value' }, 'secret', /yields no number of a string/], ['binary_classification', { expression: 'int(value) / 0 > 1' }, 1, /fails: /], ['other', { expression: 'valve > 1' }, 1, /cannot be used: .*character 1/],
  ] as const)('of %s under %j cannot be made of %j, and the reason does not repeat it', (task, declaration, value, reason) => {
    const { misfit } = judge(reading(task, declaration), statement(value));
    expect(misfit).toMatch(reason);
    expect(misfit).not.toContain('secret');
  });
});

describe('the worth of a decision', () => {
  const values = { truePositive: 100, falsePositive: -30, falseNegative: -500 };

  it.each([[0.5, true, 100], [0.9, false, -30], [0.1, true, -500], [0.1, false, 0]] as const)('on %d when the truth is %j is %d', (score, truth, worth) => {
    expect(valueMicroUsd(reading('binary_classification', { valueMicroUsd: values }), score, truth)).toBe(worth);
  });

  it('of a regression is by where its number is positive, and else unknown', () => {
    expect(valueMicroUsd(reading('regression', { positiveFrom: 15, valueMicroUsd: values }), 20, 16)).toBe(100);
    expect(valueMicroUsd(reading('regression', { valueMicroUsd: values }), 20, 16)).toBeUndefined();
  });

  it('is unknown without a score, a threshold, a declaration, or a truth that is one of two', () => {
    expect(valueMicroUsd(reading('binary_classification', { valueMicroUsd: values }), undefined, true)).toBeUndefined();
    expect(valueMicroUsd({ ...reading('binary_classification', { valueMicroUsd: values }), threshold: undefined }, 0.5, true)).toBeUndefined();
    expect(valueMicroUsd(reading('binary_classification', {}), 0.5, true)).toBeUndefined();
    expect(valueMicroUsd(reading('other', { valueMicroUsd: values }), 0.5, 'churned')).toBeUndefined();
  });
});

it('that none came means “no” only where a classifier’s declaration says so', () => {
  const declaration = { whenMissing: 'negative', maturitySeconds: 60 } as const;
  expect(negativeAfterSeconds(reading('binary_classification', declaration))).toBe(60);
  for (const one of [reading('regression', declaration), reading(undefined, declaration), reading('binary_classification', { maturitySeconds: 60 }), reading('binary_classification'), undefined]) expect(negativeAfterSeconds(one)).toBeUndefined();
});

it('an outcome is from the future when it says that it became true after it was received, beyond what clocks differ', () => {
  expect(fromTheFuture({ occurredAtMs: 301_000, receivedAtMs: 0 }, 300)).toMatch(/301 s after/);
  expect(fromTheFuture({ occurredAtMs: 300_000, receivedAtMs: 0 }, 300)).toBeUndefined();
});

it('event time goes on at the pace of the wall since a model’s newest event, and never beyond the wall’s now', () => {
  expect(eventNowMs({ occurredAtMs: 1_000, requestedAtMs: 500_000 }, 507_000)).toBe(8_000);
  expect(eventNowMs({ occurredAtMs: 900_000, requestedAtMs: 500_000 }, 507_000)).toBe(507_000);
  expect(eventNowMs({ occurredAtMs: 1_000, requestedAtMs: 600_000 }, 507_000)).toBe(1_000);
});
