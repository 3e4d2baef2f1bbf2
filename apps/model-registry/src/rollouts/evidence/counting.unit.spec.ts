import { isValid } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binValue, CLUSTERS } from '../domain/evidence.js';
import { Additions, clusterOf } from './additions.js';
import { joinedWord, rejectedAnswer, scoredAnswer, shadowedAnswer, type Countable } from './counting.js';
import type { FindStep, StepContext } from './context.js';
import { joined, rejected, scored, shadowed } from './testing/events.js';

const reading = { task: 'binary_classification' as const, threshold: 0.6 };
const context: StepContext = {
  rolloutId: 'r', step: 1, strategy: 'canary', champion: '1', candidate: '2', readings: { champion: reading, candidate: reading }, loss: 'squared_error',
  segments: [{ name: 'hubs', entityRole: 'origin', entityIds: ['ATL', 'SFO'] }],
  outcome: { valueMicroUsd: { truePositive: 100, falsePositive: -30, falseNegative: -500 } },
};
const only = (given: StepContext): FindStep => (model, revision) => (model === 'flights' && revision === 2 ? given : undefined);
const find = only(context);
const shadow = only({ ...context, strategy: 'shadow' });

/** Sums by arm and measure. */
function sums(additions: Additions): Record<string, number> {
  const all: Record<string, number> = {};
  for (const { arm, measure, sum } of additions.sums) all[`${arm} ${measure}`] = (all[`${arm} ${measure}`] ?? 0) + sum;
  return all;
}
const bins = (additions: Additions): string[] => additions.bins.map(({ arm, histogram }) => `${arm} ${histogram}`);
function added(countable: Countable | undefined): Additions {
  const additions = new Additions();
  countable?.add(additions);
  return additions;
}
function addedOutcome(event: ReturnType<typeof joined>, given = find): Record<string, number> {
  const additions = new Additions();
  for (const one of joinedWord(event, given).added) additions.addOutcome(one);
  return sums(additions);
}

describe('an answer', () => {
  it('counts for the version that gave it: the candidate under its number, the champion under its role', () => {
    expect(sums(added(scoredAnswer(scored('a'), find)))).toEqual({ 'champion error': 0, 'champion fallback': 0, 'champion score': 0.75 });
    const candidate = added(scoredAnswer(scored('a', { version: '2', role: 'challenger' }), find));
    expect(sums(candidate)).toEqual({ 'candidate error': 0, 'candidate fallback': 0, 'candidate score': 0.75 });
    expect(bins(candidate)).toEqual(['candidate latency', 'candidate score']);
    expect(scoredAnswer(scored('a', { version: '2' }), find)).toMatchObject({ stream: 'answer' });
  });

  it.each([
    ['was asked for by its version', scored('a', { version: '2', role: 'pinned' })],
    ['was given by another challenger', scored('a', { version: '3', role: 'challenger' })],
    ['was given under a revision of no rollout', scored('a', { assignmentRevision: 3 })],
    ['is of another model', scored('a', { model: 'other' })],
  ])('counts for nobody when it %s', (_, event) => {
    expect(scoredAnswer(event, find)).toBeUndefined();
  });

  it('by a fallback is the error of the version that should have answered, and nobody’s score or time', () => {
    const fallback = { kind: 'previous_version', reason: 'model_failed' };
    const instead = added(scoredAnswer(scored('a', { role: 'challenger', fallback: { ...fallback, insteadOf: '2' } }), find));
    expect(sums(instead)).toEqual({ 'candidate error': 1, 'candidate fallback': 1 });
    expect(bins(instead)).toEqual([]);
    expect(sums(added(scoredAnswer(scored('a', { fallback }), find)))).toEqual({ 'champion error': 1, 'champion fallback': 1 });
    expect(sums(added(scoredAnswer(scored('a', { role: 'challenger', fallback }), find)))).toEqual({ 'candidate error': 1, 'candidate fallback': 1 });
  });

  it('“no” is an error of the version when the version or its slowness is the reason, and nothing when the request is', () => {
    for (const code of ['model_failed', 'circuit_open', 'model_not_ready', 'artifact_load_failed', 'deadline_exceeded', 'overloaded', 'feature_missing']) {
      expect(sums(added(rejectedAnswer(rejected('a', { code, version: '2', role: 'challenger' }), find)))).toEqual({ 'candidate error': 1, 'candidate fallback': 0 });
    }
    for (const code of ['wrong_type', 'unknown_version', 'schema_invalid', 'value_forbidden']) expect(rejectedAnswer(rejected('a', { code }), find)).toBeUndefined();
    const { role: _, ...unmet } = rejected('a');
    expect(rejectedAnswer(unmet, find)).toBeUndefined();
    expect(rejectedAnswer(rejected('a', { role: 'pinned', version: '2' }), find)).toBeUndefined();
  });
});

describe('a shadow’s answer', () => {
  it('is compared with the champion’s, and kept with its ids where they differ', () => {
    const additions = added(shadowedAnswer(shadowed('a', { entities: { origin: 'SFO' } }), shadow));
    expect(sums(additions)).toEqual({
      'candidate error': 0, 'candidate fallback': 0, 'candidate score': 0.5, 'candidate score_difference': -0.25, 'candidate absolute_score_difference': 0.25, 'candidate disagreement': 1,
    });
    expect(bins(additions).toSorted()).toEqual(['candidate latency', 'candidate score', 'candidate score_difference']);
    expect(additions.disagreements).toMatchObject([{ championScore: 0.75, candidateScore: 0.5, difference: -0.25, decisionsDiffer: true, entities: { origin: 'SFO' } }]);
  });

  it('is compared with nobody where another version answered, and decides nothing without thresholds', () => {
    expect(sums(added(shadowedAnswer(shadowed('a', { answered: { version: '9', role: 'challenger', score: 1 } }), shadow)))).not.toHaveProperty('candidate score_difference');
    const regression = { task: 'regression' as const, threshold: undefined };
    const undecided = only({ ...context, strategy: 'shadow', readings: { champion: regression, candidate: regression } });
    expect(sums(added(shadowedAnswer(shadowed('a'), undecided)))).not.toHaveProperty('candidate disagreement');
  });

  it('counts for no other strategy and no other version', () => {
    expect(shadowedAnswer(shadowed('a'), find)).toBeUndefined();
    expect(shadowedAnswer(shadowed('a', { version: '3' }), shadow)).toBeUndefined();
  });
});

describe('an outcome', () => {
  it('says how wrong the answer was and what the decision was worth, of its segments too', () => {
    expect(addedOutcome(joined('a', { outcome: false, entities: { origin: 'SFO' } }))).toEqual({
      'champion outcome': 1, 'champion wrong': 1, 'champion squared_error': 0.5625, 'champion absolute_error': 0.75, 'champion value': -30, 'champion quality/hubs': 0.5625,
    });
    expect(addedOutcome(joined('a', { version: '2', role: 'challenger', score: 0.5, outcome: 1, entities: { origin: 'JFK' } }))).toEqual({
      'candidate outcome': 1, 'candidate wrong': 1, 'candidate squared_error': 0.25, 'candidate absolute_error': 0.5, 'candidate value': -500,
    });
  });

  it('that is a number is positive from where the model says', () => {
    const late = only({ ...context, outcome: { positiveFrom: 15, valueMicroUsd: { truePositive: 100 } } });
    expect(addedOutcome(joined('a', { outcome: 20 }), late)).toMatchObject({ 'champion wrong': 0, 'champion squared_error': 0.0625, 'champion value': 100 });
    expect(addedOutcome(joined('a', { outcome: true, observed: 20, valueMicroUsd: 100 }), late), 'as the ledger has judged it already').toMatchObject({ 'champion wrong': 0, 'champion squared_error': 0.0625, 'champion value': 100 });
    const minutes = { task: 'regression' as const, threshold: undefined };
    expect(addedOutcome(joined('a', { outcome: 20, score: 18 }), only({ ...context, readings: { champion: minutes, candidate: minutes } }))).toEqual({
      'champion outcome': 1, 'champion squared_error': 4, 'champion absolute_error': 2,
    });
  });

  it('judges the shadow beside the answer, pair by pair', () => {
    const event = joined('a', { outcome: true, entities: { origin: 'ATL' }, shadows: [{ version: '2', assignmentRevision: 2, score: 0.5 }, { version: '7', assignmentRevision: 2, score: 0 }] });
    expect(isValid('outcome.joined.v1', event)).toBe(true);
    expect(addedOutcome(event, shadow)).toMatchObject({
      'champion squared_error': 0.0625, 'candidate squared_error': 0.25, 'candidate loss_difference': 0.1875, 'candidate loss_difference/hubs': 0.1875, 'candidate value_difference': -600, 'candidate outcome': 1,
    });
  });

  it('judges one shadow of a rollout, however many the event names', () => {
    const twice = { version: '2', assignmentRevision: 2, score: 0.5 };
    expect(joinedWord(joined('a', { shadows: [twice, { ...twice, score: 1 }] }), shadow).added.map(({ stream, amounts }) => [stream, amounts['squared_error']])).toEqual([['answer', 0.0625], ['shadow', 0.25]]);
  });

  it('of a fallback or of a pinned version judges nobody', () => {
    expect(joinedWord(joined('a', { fallback: 'constant' }), find).added).toEqual([]);
    expect(joinedWord(joined('a', { role: 'pinned', version: '2' }), find).added).toEqual([]);
  });

  it('of text judges nobody: no loss is defined for it', () => {
    expect(joinedWord(joined('a', { outcome: 'late' }), find).added).toEqual([]);
  });

  it('taken back leaves nothing of itself', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), fc.boolean(), (score, outcome, isShadow) => {
      const additions = new Additions();
      const event = joined('a', { score, outcome, entities: { origin: 'SFO' }, shadows: [{ version: '2', assignmentRevision: 2, score: 1 - score }] });
      for (const one of joinedWord(event, isShadow ? shadow : find).added) {
        additions.addOutcome(one);
        additions.addOutcome(one, -1);
      }
      for (const { count, sum } of additions.sums) expect([count, sum]).toEqual([0, 0]);
    }));
  });
});

it('clusters share the keys evenly, and a key always has the same one', () => {
  const sizes = new Array<number>(CLUSTERS).fill(0);
  for (let n = 0; n < CLUSTERS * 100; n++) sizes[clusterOf(`case-${n}`)]! += 1;
  expect(Math.min(...sizes)).toBeGreaterThan(50);
  expect(Math.max(...sizes)).toBeLessThan(150);
  expect(clusterOf('Zürich')).toBe(clusterOf('Zürich'));
});

describe('latency', () => {
  const timingsMs = { transport: 900, queue: 3, preprocess: 1, inference: 5, total: 910 };
  const binned = (given: FindStep): number => {
    const { bins: rows } = added(scoredAnswer(scored('one', { timingsMs }), given));
    return binValue(rows.find(({ histogram }) => histogram === 'latency')!.bin);
  };

  it('is what the version had from pick-up on: on the way all wait for each other', () => expect(binned(find)).toBeCloseTo(10, 0));
  it('of a shadow rollout is the run, because a shadow waits for everybody', () => expect(binned(shadow)).toBeCloseTo(6, 0));
});

describe('a shadow that could not have answered', () => {
  const failed = (code: string) => added(shadowedAnswer(shadowed('one', { outputs: {}, score: undefined, failed: { code, reason: 'r' } }), shadow));

  it('is an error of the candidate, and no score', () => {
    const additions = failed('model_failed');
    expect(sums(additions)).toMatchObject({ 'candidate error': 1 });
    expect(bins(additions)).toEqual([]);
    expect(sums(failed('feature_missing'))).toMatchObject({ 'candidate error': 1 });
  });
  it('is nothing where the request is to blame', () => expect(sums(failed('wrong_type'))).toEqual({}));
});

it('an outcome beyond all measure is a large loss, not an infinite one: what is infinite once cannot be corrected, and blinds every guard', () => {
  const given: StepContext = { ...context, readings: { champion: { task: 'regression', threshold: undefined }, candidate: { task: 'regression', threshold: undefined } }, outcome: undefined };
  const additions = new Additions();
  const [outcome] = joinedWord(joined('a', { outcome: 1e300 }), only(given)).added;
  additions.addOutcome(outcome!);
  expect(additions.sums.filter(({ sum }) => !Number.isFinite(sum ** 2))).toEqual([]);
  additions.addOutcome(outcome!, -1);
  expect(additions.sums.map(({ count, sum }) => [count, sum])).toEqual(additions.sums.map(() => [0, 0]));
  const pair = joinedWord(joined('a', { outcome: 1e300, shadows: [{ version: '2', assignmentRevision: 2, score: 1 }] }), only({ ...given, strategy: 'shadow' })).added[1]!;
  expect(pair.amounts).toMatchObject({ squared_error: 1e100, loss_difference: 0 });
});
