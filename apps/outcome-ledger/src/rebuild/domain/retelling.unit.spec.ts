import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declare } from '../../outcomes/domain/declaration.js';
import { decideJoin, joinEventId, type PredictionFacts, type Reading } from '../../domain/joining.js';
import type { OutcomeRecord } from '../../domain/outcome.js';
import { retell, type ToldJoin } from './retelling.js';

const facts: PredictionFacts = {
  predictionId: '7b76029e-19dc-5779-9358-6c2488af76f8', day: '2026-11-21', attempt: 0, requestSource: '/s', requestId: 'r', model: 'm', version: '1', role: 'champion', lane: 'stream', assignmentRevision: 1,
  routingKey: undefined, entities: undefined, score: 0.75, occurredAtMs: 0, requestedAtMs: 0, fallback: undefined, trace: undefined,
};
const outcomeOf = (value: number | boolean, sequence = 0): OutcomeRecord => ({
  subjectId: facts.predictionId, source: 's', sequence, value, occurredAtMs: 3_600_000, observedAtMs: undefined, receivedAtMs: 0, eventSource: '', eventId: '', coordinates: '', trace: undefined,
});
const readingOf = (positiveFrom: number | undefined, revision = 1): Reading => ({ task: 'binary_classification', threshold: 0.5, declared: positiveFrom === undefined ? undefined : declare({ positiveFrom }, revision) });

/** What is written down of a join that was told. */
function toldOf(reading: Reading, outcomes: readonly OutcomeRecord[], correction = false): ToldJoin {
  const { join } = decideJoin(facts, reading, outcomes, undefined);
  const { outcome, truth, delaySeconds, error, correct, valueMicroUsd } = join!;
  return { ref: { source: outcome.source, sequence: outcome.sequence, attempt: facts.attempt }, toldAs: undefined, correction, truth, observed: outcome.value, occurredAtMs: outcome.occurredAtMs, delaySeconds, error, correct, valueMicroUsd };
}

describe('telling a join again', () => {
  it('says the same under the same id, whatever was judged, however often', () => {
    fc.assert(fc.property(fc.array(fc.record({ value: fc.integer({ min: 0, max: 20 }), sequence: fc.nat({ max: 5 }) }), { minLength: 1 }), fc.integer({ min: 1, max: 20 }), fc.boolean(), (said, positiveFrom, correction) => {
      const outcomes = said.map(({ value, sequence }) => outcomeOf(value, sequence));
      const told = toldOf(readingOf(positiveFrom), outcomes, correction);
      const again = retell(facts, readingOf(positiveFrom, 7), outcomes, told, false)!;
      expect(again).toMatchObject({ isChanged: false, toldAs: undefined, join: { correction, truth: told.truth, correct: told.correct, outcome: { value: told.observed } } });
      expect(again.eventId).toBe(joinEventId(again.join));
    }));
  });

  it('corrects what the declaration of today judges otherwise, under an id of its own, and keeps to that', () => {
    const outcomes = [outcomeOf(10)];
    const told = toldOf(readingOf(15), outcomes);
    const corrected = retell(facts, readingOf(5, 4), outcomes, told, false)!;
    expect(told.truth).toBe(false);
    expect(corrected).toMatchObject({ isChanged: true, join: { truth: true, correction: true, correct: true } });
    expect(corrected.eventId).toBe(`${facts.predictionId}/s/0/0${corrected.toldAs}`);
    expect(corrected.eventId).not.toBe(joinEventId(corrected.join));
    const later = retell(facts, readingOf(5, 9), outcomes, { ...told, truth: true, correct: corrected.join.correct, error: corrected.join.error, correction: true, toldAs: corrected.toldAs }, false)!;
    expect([later.isChanged, later.eventId, later.join.correction]).toEqual([false, corrected.eventId, true]);
  });

  it('leaves out what no longer counts, and what was erased as it was judged', () => {
    const outcomes = [outcomeOf(10)];
    const told = toldOf(readingOf(5), outcomes);
    expect(retell(facts, readingOf(undefined), outcomes, told, false)).toBeUndefined();
    expect(retell(facts, readingOf(undefined), [], told, true)).toMatchObject({ isChanged: false, join: { truth: true } });
  });
});
