import { describe, expect, it } from 'vitest';
import { decideJoin, joinAsTold, joinEventData, joinNow, type JoinedRef, type PredictionFacts, type Reading } from './joining.js';
import type { OutcomeRecord } from './outcome.js';

const facts: PredictionFacts = {
  predictionId: '7b76029e-19dc-5779-9358-6c2488af76f8', day: '2026-11-21', attempt: 0, requestSource: '/s', requestId: 'r', model: 'm', version: '1', role: 'champion', lane: 'stream', assignmentRevision: 1,
  routingKey: undefined, entities: undefined, score: 0.75, occurredAtMs: 0, requestedAtMs: 0, fallback: undefined, trace: undefined,
};
const reading: Reading = { task: 'binary_classification', threshold: 0.5 };
const outcomeOf = (sequence: number): OutcomeRecord => ({
  subjectId: facts.predictionId, source: 's', sequence, value: sequence % 2 === 0, occurredAtMs: 3_600_000, observedAtMs: undefined, receivedAtMs: 0, eventSource: '', eventId: '', coordinates: '', trace: undefined,
});
const refOf = (sequence: number, revision: number | undefined): JoinedRef => ({ source: 's', sequence, attempt: 0, revision });

describe('the number of a word on a prediction', () => {
  it('begins at 0 and grows with everything that supersedes, an assumption and a later declaration among it', () => {
    const assumed = decideJoin(facts, reading, [], undefined, 1).join!;
    expect(joinEventData(assumed)).toMatchObject({ assumed: true, correction: false, revision: 0 });
    const first = decideJoin(facts, reading, [outcomeOf(0)], { ...refOf(0, 0), source: assumed.outcome.source, assumedAtMs: 1 }).join!;
    expect(joinEventData(first)).toMatchObject({ correction: true, revision: 1 });
    expect(decideJoin(facts, reading, [outcomeOf(0), outcomeOf(4)], refOf(0, 1)).join).toMatchObject({ correction: true, revision: 2 });
    expect(joinNow(facts, reading, [outcomeOf(4)], refOf(4, 2))).toMatchObject({ revision: 3 });
  });

  it('stays what it was where the same is told anew with more shadows', () => {
    expect(joinAsTold(facts, reading, [outcomeOf(4)], refOf(4, 2))).toMatchObject({ revision: 2 });
  });

  it('goes on where a higher attempt took the join away and nothing followed then: for consumers it supersedes what they still have', () => {
    expect(decideJoin(facts, reading, [outcomeOf(4)], undefined, undefined, 2).join).toMatchObject({ correction: true, revision: 3 });
    expect(decideJoin(facts, reading, [], undefined, 1, 0).join, 'assumed').toMatchObject({ assumed: true, correction: true, revision: 1 });
    expect(decideJoin(facts, reading, [outcomeOf(4)], refOf(0, 3), undefined, 2).join, 'of what was told since').toMatchObject({ revision: 4 });
  });

  it('is left out of what was told before there were numbers, and 1 for what supersedes that', () => {
    expect(Object.keys(joinEventData(joinAsTold(facts, reading, [outcomeOf(0)], refOf(0, undefined))!))).not.toContain('revision');
    expect(decideJoin(facts, reading, [outcomeOf(4)], refOf(0, undefined)).join).toMatchObject({ correction: true, revision: 1 });
  });
});
