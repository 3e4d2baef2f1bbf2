import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { settleWords, type Held, type Settled, type Word } from './corrections.js';
import { changeQuality, recountQuality, type JoinedOutcome, type QualityCounts } from './quality.js';
import { always, windowOf } from './windows.js';

const LENGTH_MS = 1000;
const LENGTHS = always(LENGTH_MS);

const wordOf = (change: Partial<Word> = {}): Word => ({
  predictionId: 'p', model: 'm', version: '1', eventTimeMs: 0, score: 0.75, outcome: false, correct: false, delaySeconds: 60, revision: 0, correction: false, isCounted: true, ...change,
});

/** What the store does, in memory. */
class Memory {
  readonly windows = new Map<string, QualityCounts>();
  readonly held = new Map<string, Held>();
  readonly sums = { late: 0, corrected: 0, unheld: 0 };

  settle(words: readonly Word[], closedBeforeMs = -Infinity): Settled {
    const settled = settleWords(words, this.held, LENGTHS, closedBeforeMs);
    for (const held of settled.held) this.held.set(held.predictionId, held);
    for (const { window, version, takeOut, putIn } of settled.changes) {
      const key = `${window.startMs} ${version}`;
      const { counts, isExact } = changeQuality(this.windows.get(key), takeOut, putIn, true);
      this.windows.set(key, JSON.parse(JSON.stringify(isExact ? counts : recountQuality(this.outcomesIn(window.startMs, version), true))) as QualityCounts);
      if (this.windows.get(key)!.outcomes === 0) this.windows.delete(key);
    }
    for (const name of ['late', 'corrected', 'unheld'] as const) this.sums[name] += settled[name];
    return settled;
  }

  /** Windows are closed for good, and nothing of theirs is held any more. */
  forget(closedBeforeMs: number): void {
    for (const [id, { startMs }] of this.held) if (startMs < closedBeforeMs) this.held.delete(id);
  }

  private outcomesIn(startMs: number, version: string): JoinedOutcome[] {
    return [...this.held.values()].flatMap((held) => (held.startMs === startMs && held.version === version && typeof held.added !== 'string' ? [held.added] : []));
  }
}

function fromScratch(lastWords: Iterable<Word>): Map<string, QualityCounts> {
  const windows = new Map<string, JoinedOutcome[]>();
  for (const word of lastWords) {
    if (!word.isCounted) continue;
    const key = `${windowOf(word.eventTimeMs, LENGTHS).startMs} ${word.version}`;
    windows.set(key, [...(windows.get(key) ?? []), word]);
  }
  return new Map([...windows].map(([key, outcomes]) => [key, recountQuality(outcomes, true)]));
}

/** Sums of floats depend on their order in the last digits, and what is taken out leaves a trace of such a digit. */
const round = (value: unknown): unknown => (typeof value !== 'number' ? value : Math.abs(value) < 1e-7 ? 0 : Number(value.toPrecision(6)));
const rounded = (windows: ReadonlyMap<string, QualityCounts>): unknown => JSON.parse(JSON.stringify(Object.fromEntries(windows)), (_, value: unknown) => round(value));

const someWord = fc.record({
  version: fc.constantFrom('1', '2'), eventTimeMs: fc.nat({ max: 5 * LENGTH_MS - 1 }), isCounted: fc.nat({ max: 4 }).map((n) => n > 0),
  score: fc.option(fc.integer({ min: 0, max: 100 }).map((hundredths) => hundredths / 100), { nil: undefined }),
  outcome: fc.oneof(fc.boolean(), fc.constantFrom(0, 1, 7, 1e18, 1e300), fc.constantFrom('text', '')), correct: fc.option(fc.boolean(), { nil: undefined }), delaySeconds: fc.integer({ min: -5, max: 100 }),
});
/** All that is ever said of some predictions, by prediction, in the order of its truth. */
const histories = fc.array(fc.array(someWord, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 }).map((all) =>
  all.map((words, id) => words.map((word, revision) => wordOf({ ...word, predictionId: `p${id}`, revision, correction: revision > 0 }))));
/** Every word at least once, some more often, in any order, cut into batches anywhere. */
const deliveries = histories.chain((all) => {
  const words = all.flat();
  return fc.record({
    lastWords: fc.constant(all.map((one) => one.at(-1)!)),
    words: fc.array(fc.constantFrom(...words), { maxLength: 10 }).chain((copies) => fc.shuffledSubarray([...words, ...copies], { minLength: words.length + copies.length })),
    batchSize: fc.integer({ min: 1, max: 12 }),
  });
});
const batches = (words: readonly Word[], size: number): Word[][] => Array.from({ length: Math.ceil(words.length / size) }, (_, at) => words.slice(at * size, (at + 1) * size));

describe('windows of outcomes', () => {
  it('hold the last word on each prediction, as counted from scratch, in whatever order and however often words and corrections come', () => {
    fc.assert(fc.property(deliveries, ({ words, lastWords, batchSize }) => {
      const memory = new Memory();
      for (const batch of batches(words, batchSize)) memory.settle(batch);
      expect(rounded(memory.windows)).toEqual(rounded(fromScratch(lastWords)));
    }), { numRuns: 500 });
  });

  it('do the same for words without numbers that come in the order in which they were told, from any earlier place again', () => {
    fc.assert(fc.property(histories, fc.array(fc.nat({ max: 40 }), { maxLength: 4 }), (all, restarts) => {
      const words = all.flat().map((word) => ({ ...word, revision: undefined }));
      const memory = new Memory();
      // Whoever was killed begins anew where it had committed last.
      for (const end of restarts.map((at) => Math.min(at, words.length))) memory.settle(words.slice(Math.max(0, end - 10), end));
      memory.settle(words);
      expect(rounded(memory.windows)).toEqual(rounded(fromScratch(all.map((one) => one.at(-1)!))));
    }));
  });

  it('that are closed for good change no more, whatever comes', () => {
    fc.assert(fc.property(deliveries, fc.nat({ max: 5 * LENGTH_MS }), fc.nat({ max: 60 }), ({ words, batchSize }, closedBeforeMs, closedAfter) => {
      const memory = new Memory();
      memory.settle(words.slice(0, closedAfter));
      const closed = () => [...memory.windows].filter(([key]) => Number(key.split(' ')[0]) < closedBeforeMs);
      const before = structuredClone(closed());
      memory.forget(closedBeforeMs);
      for (const batch of batches(words, batchSize)) memory.settle(batch, closedBeforeMs);
      expect(closed()).toEqual(before);
    }));
  });
});

describe('a correction', () => {
  const assumed = wordOf({ eventTimeMs: 4500 });
  const real = wordOf({ eventTimeMs: 1500, outcome: true, correct: true, revision: 1, correction: true });

  it('takes an assumed negative out of the window of its maturity and puts what happened into the window in which it did', () => {
    const memory = new Memory();
    memory.settle([assumed]);
    memory.settle([real]);
    expect([...memory.windows].map(([key, { positives, negatives }]) => [key, positives.reduce((a, b) => a + b), negatives.reduce((a, b) => a + b)])).toEqual([['1000 1', 1, 0]]);
    expect(memory.sums).toEqual({ late: 0, corrected: 1, unheld: 0 });
  });

  it('of something whose window is closed for good is counted where it belongs, and told as one that could not take back', () => {
    const memory = new Memory();
    memory.settle([{ ...assumed, eventTimeMs: 500 }]);
    memory.forget(1000);
    memory.settle([real], 1000);
    expect([...memory.windows.keys()]).toEqual(['0 1', '1000 1']);
    expect(memory.sums).toEqual({ late: 0, corrected: 0, unheld: 1 });
  });

  it('whose own window is closed for good takes back what it corrects, is told as late, and is not overtaken by what it corrected', () => {
    const memory = new Memory();
    memory.settle([assumed]);
    for (const word of [real, real, assumed]) memory.settle([word], 2000);
    expect(memory.windows.size).toBe(0);
    expect(memory.sums).toEqual({ late: 1, corrected: 1, unheld: 0 });
  });

  it('by an answer that is not the champion’s only takes back', () => {
    const memory = new Memory();
    memory.settle([assumed]);
    memory.settle([{ ...real, isCounted: false }]);
    expect([memory.windows.size, memory.sums.late]).toEqual([0, 0]);
  });

  it('of what was counted before that was kept changes nothing', () => {
    const memory = new Memory();
    memory.held.set('p', { predictionId: 'p', version: '1', startMs: 4000, revision: undefined, added: 'unknown' });
    memory.settle([assumed, real]);
    expect([memory.windows.size, memory.sums]).toEqual([0, { late: 0, corrected: 0, unheld: 1 }]);
  });

  it('of a slip leaves the others their digits', () => {
    const memory = new Memory();
    const others = Array.from({ length: 50 }, (_, at) => wordOf({ predictionId: `o${at}`, outcome: at, score: 0.5 }));
    memory.settle([...others, wordOf({ outcome: 1e300 })]);
    memory.settle([wordOf({ outcome: 1, revision: 1, correction: true })]);
    expect(memory.windows.get('0 1')!.absoluteErrorSum).toBeCloseTo(0.25 + others.reduce((sum, { outcome }) => sum + Math.abs(0.5 - Number(outcome)), 0), 9);
  });
});
