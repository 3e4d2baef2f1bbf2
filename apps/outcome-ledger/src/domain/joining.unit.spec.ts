import { isValid } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { admit, firstOfHighestAttempt, type PredictionKey } from './admission.js';
import { decideJoin, joinEventData, joinEventId, type JoinedRef, type PredictionFacts, type Reading } from './joining.js';
import { judge } from '../outcomes/domain/declaration.js';
import { effectiveOutcome, type OutcomeRecord } from './outcome.js';
import type { PredictionRecord } from './prediction.js';

const ID = '144b57b9-18f6-5660-a1ee-28d5d3ae0b77';
const facts: PredictionFacts = {
  predictionId: ID, day: '2026-11-21', attempt: 0, requestSource: '/s', requestId: '1', model: 'm', version: '1', role: 'champion', lane: 'stream', assignmentRevision: 1,
  routingKey: undefined, entities: undefined, score: 0.7, occurredAtMs: 1_000_000, requestedAtMs: 2_000_000, fallback: undefined, trace: undefined,
};
const binary: Reading = { task: 'binary_classification', threshold: 0.5 };

const outcome = (over: Partial<OutcomeRecord>): OutcomeRecord => ({
  subjectId: ID, source: 'a', sequence: 0, value: true, occurredAtMs: 4_600_000, observedAtMs: undefined, receivedAtMs: 5_000_000,
  eventSource: '/o', eventId: '1', coordinates: 'outcome.observed.v1/0/1', trace: undefined, ...over,
});

/** The ledger of one prediction in memory, driven by the same decisions as the tables. */
class Ledger {
  key: PredictionKey | undefined;
  facts: PredictionFacts | undefined;
  outcomes: OutcomeRecord[] = [];
  told: JoinedRef | undefined;
  /** Whether the time of its maturity has come. */
  mature = false;
  effects: { correction: boolean; source: string; sequence: number }[] = [];
  deadLetters: string[] = [];

  predict(attempt: number): void {
    const record = { predictionId: ID, state: 'scored', day: '2026-11-21', attempt } as PredictionRecord;
    if (admit(record, this.key) === undefined) return;
    this.key = record;
    this.facts = { ...facts, attempt };
    this.meet(this.outcomes);
    // It was noted as late.
    if (this.mature) this.sweep();
  }

  sweep(): void {
    this.mature = true;
    this.meet(lastOfEach(this.outcomes), MATURE_AT_MS);
  }

  observe(one: OutcomeRecord): void {
    this.key ??= { predictionId: ID, state: 'awaited', day: undefined, attempt: 0 };
    if (this.facts !== undefined && judge(binary, { ...one, delaySeconds: 0 }).misfit !== undefined) return void this.deadLetters.push(nameOf(one));
    if (this.outcomes.some((known) => nameOf(known) === nameOf(one))) return;
    this.outcomes.push(one);
    this.meet(lastOfEach(this.outcomes));
  }

  private meet(outcomes: readonly OutcomeRecord[], matureAtMs?: number): void {
    if (this.facts === undefined) return;
    const { join, misfits } = decideJoin(this.facts, binary, outcomes, this.told, matureAtMs);
    for (const { outcome: bad } of misfits) {
      this.outcomes = this.outcomes.filter((one) => one !== bad);
      this.deadLetters.push(nameOf(bad));
    }
    if (join === undefined) return;
    this.told = { source: join.outcome.source, sequence: join.outcome.sequence, attempt: this.facts.attempt, assumedAtMs: join.assumed ? join.outcome.occurredAtMs : undefined };
    this.effects.push({ correction: join.correction, source: join.outcome.source, sequence: join.outcome.sequence });
  }

  get final(): object {
    return { attempt: this.facts?.attempt, told: this.told, history: this.outcomes.map(nameOf).sort(), deadLetters: [...new Set(this.deadLetters)].sort() };
  }
}

const MATURE_AT_MS = 4_500_000;

/** What is read when an outcome comes: the last of each source. */
const lastOfEach = (outcomes: readonly OutcomeRecord[]): OutcomeRecord[] =>
  [...Map.groupBy(outcomes, ({ source }) => source).values()].map((own) => own.reduce((last, one) => (one.sequence > last.sequence ? one : last)));

const nameOf = ({ source, sequence }: OutcomeRecord): string => `${source}/${sequence}`;

/** Outcomes of up to three sources; one (source, sequence) always says the same, and sequence 3 of any source has the wrong type. */
const statement = fc.record({ source: fc.constantFrom('a', 'b', 'c'), sequence: fc.integer({ min: 0, max: 3 }) })
  .map(({ source, sequence }) => outcome({ source, sequence, value: sequence === 3 ? 'late' : (sequence + source.charCodeAt(0)) % 2 === 0, occurredAtMs: 4_600_000 + (source.charCodeAt(0) % 2) * 1000 }));
type Step = { one: OutcomeRecord } | { attempt: number } | { sweep: true };
const step: fc.Arbitrary<Step> = fc.oneof(statement.map((one) => ({ one })), fc.integer({ min: 0, max: 2 }).map((attempt) => ({ attempt })), fc.constant({ sweep: true as const }));
const play = (steps: readonly Step[]): Ledger => {
  const ledger = new Ledger();
  for (const each of steps) if ('one' in each) ledger.observe(each.one);
  else if ('sweep' in each) ledger.sweep();
  else ledger.predict(each.attempt);
  return ledger;
};

describe('the join', () => {
  it('ends in the same state whatever the order of predictions, outcomes, corrections, copies and the end of its maturity', () => {
    const shuffled = fc.array(step, { minLength: 1, maxLength: 12 }).chain((steps) => fc.tuple(fc.constant(steps), fc.shuffledSubarray([...steps, ...steps], { minLength: steps.length * 2 })));
    fc.assert(fc.property(shuffled, ([steps, permuted]) => {
      expect(play(permuted).final).toEqual(play(steps).final);
    }), { numRuns: 2000 });
  });

  it('tells each change once: first as new, then as corrections, and copies not at all', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const { effects } = play(steps);
      expect(effects.map(({ correction }) => correction)).toEqual(effects.map((_, index) => index > 0));
      expect(play([...steps, ...steps.filter((each) => 'one' in each)]).effects).toEqual(effects);
    }));
  });

  it('is with an outcome that was assumed only while nobody has said anything that counts', () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const { told, outcomes, facts: known, mature } = play(steps);
      expect(told?.assumedAtMs).toBe(known !== undefined && mature && outcomes.length === 0 ? MATURE_AT_MS : undefined);
    }), { numRuns: 2000 });
  });

  it('of what was assumed is told under an identity that no outcome can have, as what it is', () => {
    const { join } = decideJoin(facts, binary, [], undefined, MATURE_AT_MS);
    expect(joinEventData(join!)).toMatchObject({ outcome: false, assumed: true, correct: false, error: 0.7, delaySeconds: 3500, outcomeSource: 'throughline/maturity' });
    expect(isValid('outcome.joined.v1', joinEventData(join!))).toBe(true);
    const claimed = decideJoin(facts, binary, [outcome({ source: 'throughline/maturity' })], undefined).join!;
    expect(joinEventId(claimed)).not.toBe(joinEventId(join!));
    expect(decideJoin(facts, binary, [outcome({ source: 'throughline/maturity', value: false })], { source: 'throughline/maturity', sequence: 0, attempt: 0, assumedAtMs: MATURE_AT_MS }).join).toMatchObject({ correction: true, assumed: false });
  });

  it('says how late, how wrong and whether the decision was right', () => {
    expect(decideJoin(facts, binary, [outcome({ value: false })], undefined).join).toMatchObject({ delaySeconds: 3600, error: 0.7, correct: false, correction: false });
    expect(decideJoin(facts, binary, [outcome({ value: 1 })], undefined).join).toMatchObject({ correct: true });
    expect(decideJoin({ ...facts, score: 0.5 }, binary, [outcome({})], undefined).join?.correct).toBe(true);
    expect(decideJoin(facts, { task: 'regression', threshold: undefined }, [outcome({ value: 3 })], undefined).join).toMatchObject({ error: 0.7 - 3, correct: undefined });
    expect(decideJoin(facts, undefined, [outcome({ value: 'churned' })], undefined).join).toMatchObject({ error: undefined, correct: undefined });
  });

  it('tells it as a valid event', () => {
    const { join } = decideJoin({ ...facts, entities: { origin: 'SFO' }, routingKey: 'k', fallback: 'constant' }, binary, [outcome({})], undefined);
    expect(isValid('outcome.joined.v1', joinEventData(join!))).toBe(true);
  });

  it('tells a join again when a higher attempt has changed the prediction', () => {
    const told = { source: 'a', sequence: 0, attempt: 0 };
    expect(decideJoin(facts, binary, [outcome({})], told).join).toBeUndefined();
    expect(decideJoin({ ...facts, attempt: 1 }, binary, [outcome({})], told).join).toMatchObject({ correction: true });
  });
});

describe('the outcome that holds', () => {
  it('has the highest sequence of its source', () => {
    expect(effectiveOutcome([outcome({ sequence: 2 }), outcome({ sequence: 10 }), outcome({ sequence: 9 })])?.sequence).toBe(10);
  });

  it('is that of the source that observed last', () => {
    expect(effectiveOutcome([outcome({ source: 'a', observedAtMs: 9_000_000 }), outcome({ source: 'b', sequence: 5 })])?.source).toBe('a');
  });

  it('is none while nothing was said', () => {
    expect(effectiveOutcome([])).toBeUndefined();
  });
});

it('of several terminal events in a batch the first of the highest attempt stands', () => {
  const record = (predictionId: string, attempt: number, worker: string) => ({ predictionId, attempt, worker }) as PredictionRecord;
  const kept = firstOfHighestAttempt([record('b', 0, '1'), record('a', 0, '2'), record('b', 1, '3'), record('b', 1, '4'), record('a', 0, '5')]);
  expect(kept.map(({ predictionId, worker }) => [predictionId, worker])).toEqual([['a', '2'], ['b', '3']]);
});
