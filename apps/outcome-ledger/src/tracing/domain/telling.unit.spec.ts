import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Allowance } from './allowance.js';
import { worthKeeping, type Judged, type KeepingPolicy } from './keeping.js';
import { decideTelling, type Told, type TellingPolicy } from './telling.js';

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;
const nothing: KeepingPolicy = { wrong: false, errorAtLeast: undefined, fallback: false, valueAtMostMicroUsd: undefined, costAtLeastMicroUsd: undefined, alertWindowMs: 0, oneIn: 0 };
const policy: TellingPolicy = { ...nothing, wrong: true, outcomeInTrace: 'always', retentionMs: 7 * DAY_MS };
const judged: Judged = { predictionId: '00000001-0000-5000-8000-000000000000', correct: true, error: 0.1, isFallback: false, valueMicroUsd: 5, costMicroUsd: 2, correction: false, alertedAtMs: NOW_MS - 1000 };
const told: Told = { ...judged, isSampled: true, requestedAtMs: NOW_MS - 1000, receivedAtMs: NOW_MS };

describe('a story is worth keeping', () => {
  const cases: [string, Partial<KeepingPolicy>, Partial<Judged>, string | undefined][] = [
    ['when the decision was wrong', { wrong: true }, { correct: false }, 'wrong'],
    ['not when nobody asked for wrong ones', {}, { correct: false }, undefined],
    ['when the estimate was as far off as the limit, in either direction', { errorAtLeast: 3 }, { correct: undefined, error: -3 }, 'wrong'],
    ['not when it was nearer', { errorAtLeast: 3 }, { correct: undefined, error: 2.9 }, undefined],
    ['when it was worth as little as the limit', { valueAtMostMicroUsd: -10 }, { valueMicroUsd: -10 }, 'costly'],
    ['not when nobody knows what it was worth', { valueAtMostMicroUsd: -10 }, { valueMicroUsd: undefined }, undefined],
    ['when computing it cost as much as the limit', { costAtLeastMicroUsd: 2 }, {}, 'costly'],
    ['when a fallback answered', { fallback: true }, { isFallback: true }, 'fallback'],
    ['when its model raised an alert within the window', { alertWindowMs: 1000 }, {}, 'alerting'],
    ['not when that was earlier', { alertWindowMs: 999 }, {}, undefined],
    ['when the truth has changed, whatever the policy', {}, { correction: true }, 'corrected'],
    ['when it is one of N', { oneIn: 1 }, {}, 'one_in_n'],
    ['not when it is one of the others', { oneIn: 1000 }, {}, undefined],
    ['not without a reason', {}, {}, undefined],
  ];
  it.each(cases)('%s', (_, over, about, reason) => expect(worthKeeping({ ...nothing, ...over }, { ...judged, ...about }, NOW_MS)).toBe(reason));

  it('one in N of the right ones: the same each time, and about as many as asked for', () => {
    const ids = fc.sample(fc.uuid({ version: [4, 5] }), 5000);
    const kept = ids.filter((predictionId) => worthKeeping({ ...nothing, oneIn: 10 }, { ...judged, predictionId }, NOW_MS) === 'one_in_n');
    expect(kept.length).toBeGreaterThan(350);
    expect(kept.length).toBeLessThan(750);
    expect(ids.filter((predictionId) => worthKeeping({ ...nothing, oneIn: 10 }, { ...judged, predictionId }, 0) === 'one_in_n')).toEqual(kept);
  });
});

describe('an outcome', () => {
  it('of a sampled prediction stands in its trace, whose spans are there already', () => expect(decideTelling(policy, told, NOW_MS)).toEqual({ outcome: 'prediction_trace', fromRow: false, result: 'live' }));
  it('that comes after the backend has forgotten brings the spans along', () => expect(decideTelling(policy, { ...told, requestedAtMs: NOW_MS - 21 * DAY_MS }, NOW_MS)).toEqual({ outcome: 'prediction_trace', fromRow: true, result: 'expired' }));
  it('of a prediction that nobody sampled brings its spans along where it is worth that', () => expect(decideTelling(policy, { ...told, isSampled: false, correct: false }, NOW_MS)).toEqual({ outcome: 'prediction_trace', fromRow: true, result: 'wrong' }));
  it('else it stands nowhere', () => expect(decideTelling(policy, { ...told, isSampled: false }, NOW_MS)).toEqual({ outcome: undefined, fromRow: false, result: 'dropped' }));
  it('stands in a trace of its own where old traces are disliked, and spans that are gone stay so', () => {
    expect(decideTelling({ ...policy, outcomeInTrace: 'never' }, { ...told, requestedAtMs: NOW_MS - 21 * DAY_MS }, NOW_MS)).toEqual({ outcome: 'own_trace', fromRow: false, result: 'live' });
  });
  it.each([[1000, 'prediction_trace'], [999, 'own_trace']] as const)('received 1,000 ms after the request, %d ms allowed: %s', (outcomeInTrace, outcome) => {
    expect(decideTelling({ ...policy, outcomeInTrace }, told, NOW_MS).outcome).toBe(outcome);
  });
});

describe('so many a second', () => {
  it('a second’s worth at once, then what comes back', () => {
    const allowance = new Allowance(2);
    expect([0, 0, 0, 400, 500, 500, 10_000, 10_000, 10_000].map((nowMs) => allowance.take(nowMs))).toEqual([true, true, false, false, true, false, true, true, false]);
  });
  it('a clock that goes back gives nothing', () => {
    const allowance = new Allowance(1);
    expect([1000, 0, 500].map((nowMs) => allowance.take(nowMs))).toEqual([true, false, false]);
  });
  it('never more than allowed, whenever it is asked', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 50 }), fc.array(fc.nat(200), { maxLength: 300 }), (perSecond, waits) => {
      const allowance = new Allowance(perSecond);
      let nowMs = 0;
      const taken = waits.filter((waitMs) => allowance.take((nowMs += waitMs))).length;
      expect(taken).toBeLessThanOrEqual(perSecond + (nowMs * perSecond) / 1000 + 1e-6);
    }));
  });
});
