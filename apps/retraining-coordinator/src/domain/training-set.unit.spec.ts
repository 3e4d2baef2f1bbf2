import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { binaryMetrics } from './metrics.js';
import { assertTrainable, evenSample, splitRows, type LabelledRows, type SplitOptions } from './training-set.js';

const HOUR_MS = 3600_000;
const options = (change: Partial<SplitOptions> = {}): SplitOptions => ({ minLabels: 100, heldOutFraction: 0.25, maturitySeconds: 0, championVersion: '2', ...change });

function rows(rowCount: number, change: Partial<LabelledRows> = {}): LabelledRows {
  return {
    rowCount, width: 1, values: new Float64Array(rowCount), labels: Uint8Array.from({ length: rowCount }, (_, i) => i % 2),
    occurredAtMs: Float64Array.from({ length: rowCount }, (_, i) => i * HOUR_MS), scores: new Float64Array(rowCount).fill(0.5),
    versions: Array.from({ length: rowCount }, () => '2'), ...change,
  };
}

describe('splitRows', () => {
  it('judges on a time later than all it trains on', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 400, maxLength: 500 }), (times) => {
        const set = rows(times.length, { occurredAtMs: Float64Array.from(times) });
        const { train, compared, cutMs } = splitRows(set, options({ minLabels: 100 }));
        for (const row of train) expect(set.occurredAtMs[row]!).toBeLessThan(cutMs);
        for (const row of compared) expect(set.occurredAtMs[row]!).toBeGreaterThanOrEqual(cutMs);
      }),
      { numRuns: 30 },
    );
  });

  it('compares only on rows that the champion answered itself, with a score on record', () => {
    const versions = Array.from({ length: 1000 }, (_, i) => (i < 800 ? '1' : '2'));
    const scores = new Float64Array(1000).fill(0.5);
    scores[999] = NaN;
    const { train, compared } = splitRows(rows(1000, { versions, scores }), options());
    expect(train).toHaveLength(750);
    expect(compared).toEqual(Array.from({ length: 199 }, (_, i) => 800 + i));
  });

  it('takes no more than the window, and leaves out what is too young for its outcomes to be known', () => {
    const { train, compared } = splitRows(rows(1000), options({ windowSeconds: 400 * 3600, maturitySeconds: 100 * 3600 }));
    expect([train[0], compared.at(-1), train.length + compared.length]).toEqual([599, 899, 301]);
  });

  it.each<[string, LabelledRows, Partial<SplitOptions>, string]>([
    ['labels', rows(99), {}, '99 predictions with a usable outcome, the policy wants 100'],
    ['rows at all', rows(0), {}, '0 predictions'],
    ['positives', rows(1000, { labels: new Uint8Array(1000) }), {}, '750 rows to train on, 0 of them positive'],
    ['of the champion', rows(1000), { championVersion: '3' }, '0 rows held out and answered by version 3'],
    ['instants', rows(1000, { occurredAtMs: new Float64Array(1000) }), {}, 'too few instants'],
  ])('refuses as insufficient when there are too few %s', (_, set, change, reason) => {
    expect(() => splitRows(set, options(change))).toThrow(expect.objectContaining({ code: 'insufficient_data', message: expect.stringContaining(reason) }));
  });
});

describe('assertTrainable', () => {
  const feature = { name: 'x', kind: 'numeric' as const };
  it('refuses what the built-in trainer cannot replace', () => {
    expect(() => assertTrainable({ task: 'binary_classification', features: [feature] })).not.toThrow();
    expect(() => assertTrainable({ task: 'regression', features: [feature] })).toThrow('the model\'s task is regression');
    expect(() => assertTrainable({ task: 'binary_classification', features: [feature, { name: 'c', kind: 'categorical' }] })).toThrow('feature c is categorical');
  });
});

describe('evenSample', () => {
  it('takes the same rows each time, from beginning to end', () => {
    const all = Array.from({ length: 1000 }, (_, i) => i);
    expect(evenSample(all, 4)).toEqual([0, 250, 500, 750]);
    expect(evenSample(all, 5000)).toEqual(all);
  });
});

describe('binaryMetrics', () => {
  it('agrees with the definitions on a small example', () => {
    expect(binaryMetrics([0.9, 0.2, 0.6, 0.4], [1, 0, 0, 1], 0.5)).toMatchObject({ auc: 0.75, accuracy: 0.5, rows: 4, positives: 2 });
    expect(binaryMetrics([0.9, 0.2], [1, 0], 0.5)['logLoss']).toBeCloseTo((-Math.log(0.9) - Math.log(0.8)) / 2, 12);
    expect(binaryMetrics([0.9, 0.2], [1, 0], 0.5)['brier']).toBeCloseTo((0.01 + 0.04) / 2, 12);
  });
});
