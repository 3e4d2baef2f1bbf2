import type { OutcomeJoined } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Additions } from './additions.js';
import type { FindStep, StepContext } from './context.js';
import { joinedWord } from './counting.js';
import { joined } from './testing/events.js';
import { matters, settleWords, shortId, type Held, type Unkept } from './words.js';

const reading = { task: 'binary_classification' as const, threshold: 0.6 };
const contextOf = (rolloutId: string, step: number, strategy: StepContext['strategy']): StepContext => ({
  rolloutId, step, strategy, champion: '1', candidate: '2', readings: { champion: reading, candidate: reading }, loss: 'squared_error',
  segments: [{ name: 'hubs', entityRole: 'origin', entityIds: ['ATL'] }], outcome: { positiveFrom: 15, valueMicroUsd: { truePositive: 100, falsePositive: -30 } },
});
/** Revisions 2 and 3 are steps of a canary, 4 of a shadow; 1 is of no rollout. */
const STEPS: Readonly<Record<number, StepContext>> = { 2: contextOf('canary', 1, 'canary'), 3: contextOf('canary', 2, 'canary'), 4: contextOf('shadow', 1, 'shadow') };
const find: FindStep = (_, revision) => STEPS[revision];

/** What the store does, in memory. */
class Memory {
  readonly held = new Map<bigint, Held>();
  private readonly additions = new Additions();

  settle(events: readonly OutcomeJoined[]): this {
    const { takeOut, putIn, held } = settleWords(events.map((event) => joinedWord(event, find)).filter(matters), this.held);
    for (const one of takeOut) this.additions.addOutcome(one, -1);
    for (const one of putIn) this.additions.addOutcome(one);
    for (const [id, one] of held) this.held.set(id, one);
    return this;
  }

  /** Before it was kept what is added. */
  settleUnkept(event: OutcomeJoined): this {
    const { added } = joinedWord(event, find);
    for (const one of added) this.additions.addOutcome(one);
    const unkept = added.map(({ stream, rolloutId }): Unkept => ({ stream, rolloutId, outcome: Number(event.outcome) }));
    this.held.set(shortId(event.predictionId), { revision: undefined, added: unkept });
    return this;
  }

  /** Counts and sums of all rows that are not empty. Sums of floats depend on their order in the last digits. */
  get evidence(): Record<string, readonly [number, number]> {
    return Object.fromEntries(this.additions.sums.filter(({ count, sum }) => count !== 0 || Math.abs(sum) > 1e-6)
      .map(({ rollout_id, step, arm, measure, cluster, count, sum }) => [`${rollout_id} ${step} ${arm} ${measure} ${cluster}`, [count, Math.round(sum * 1e6) / 1e6 + 0]]));
  }
}
const fromScratch = (lastWords: readonly OutcomeJoined[]) => new Memory().settle(lastWords).evidence;

const hundredths = fc.integer({ min: 0, max: 100 }).map((value) => value / 100);
const someWord = fc.record({
  version: fc.constantFrom('1', '1', '2', '3'), role: fc.constantFrom('champion' as const, 'champion' as const, 'challenger' as const, 'pinned' as const), assignmentRevision: fc.integer({ min: 1, max: 4 }),
  fallback: fc.option(fc.constant('constant'), { nil: undefined, freq: 4 }), score: fc.option(hundredths, { nil: undefined, freq: 4 }), outcome: fc.oneof(fc.boolean(), fc.constantFrom(0, 1, 20), fc.constant('text')),
  entities: fc.constantFrom({ origin: 'ATL' }, { origin: 'BOI' }), routingKey: fc.constantFrom('a', 'b'),
  shadows: fc.array(fc.record({ version: fc.constant('2'), assignmentRevision: fc.constant(4), score: hundredths }), { maxLength: 1 }),
});
/** All that is ever said of some predictions, by prediction, in the order of its truth. */
const histories = fc.array(fc.array(someWord, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 }).map((all) =>
  all.map((words, n) => words.map((word, revision) => joined(`p${n}`, { ...word, revision, correction: revision > 0 }))));
/** The same word as it was told before its shadows had come. */
const withoutShadows = ({ shadows: _, ...event }: OutcomeJoined): OutcomeJoined => event;
const batches = <T>(items: readonly T[], size: number): T[][] => Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));

describe('the evidence of outcomes', () => {
  it('is that of the last word on each prediction, as counted from scratch, in whatever order and however often words come, with or before their shadows', () => {
    const deliveries = histories.chain((all) => {
      const words = all.flat();
      const copies = fc.array(fc.constantFrom(...words, ...words.map(withoutShadows)), { maxLength: 12 });
      return fc.record({
        lastWords: fc.constant(all.map((one) => one.at(-1)!)), batchSize: fc.integer({ min: 1, max: 10 }),
        delivered: copies.chain((more) => fc.shuffledSubarray([...words, ...more], { minLength: words.length + more.length })),
      });
    });
    fc.assert(fc.property(deliveries, ({ lastWords, batchSize, delivered }) => {
      const memory = new Memory();
      for (const batch of batches(delivered, batchSize)) memory.settle(batch);
      expect(memory.evidence).toEqual(fromScratch(lastWords));
    }), { numRuns: 1000 });
  });

  it('is the same for words without numbers that come in the order in which they were told', () => {
    fc.assert(fc.property(histories, fc.integer({ min: 1, max: 10 }), (all, batchSize) => {
      const memory = new Memory();
      for (const batch of batches(all.flat().map((event) => ({ ...event, revision: undefined })), batchSize)) memory.settle(batch);
      expect(memory.evidence).toEqual(fromScratch(all.map((one) => one.at(-1)!)));
    }));
  });

  it('is that of the numbered word where one without a number comes after it', () => {
    const last = joined('a', { outcome: false, revision: 1, correction: true });
    const old = joined('a', { correction: true });
    expect(new Memory().settle([old, last]).settle([old]).evidence).toEqual(fromScratch([last]));
  });
});

describe('a correction of what was counted before it was kept what is added', () => {
  it('takes it out where the answer is still the same one', () => {
    const last = joined('a', { outcome: false, revision: 1, correction: true, entities: { origin: 'ATL' } });
    expect(new Memory().settleUnkept({ ...last, outcome: true }).settle([last]).evidence).toEqual(fromScratch([last]));
  });

  it('leaves it where nothing is known any more of where it was counted', () => {
    const before = joined('a');
    expect(new Memory().settleUnkept(before).settle([{ ...before, revision: 1, correction: true, fallback: 'constant' }]).evidence).toEqual(fromScratch([before]));
  });
});

it('text is kept nowhere', () => {
  const { held } = new Memory().settle([joined('a', { outcome: 'text', correction: true, revision: 1, observed: 'late', entities: { origin: 'ATL' } })]);
  expect([...held.values()]).toEqual([{ revision: 1, added: [] }]);
});
