import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracy, confusionOf, matthewsCorrelation, type Confusion } from '../confusion.js';
import { adwinMean, createAdwin, updateAdwin, type Adwin } from './adwin.js';
import { createDdm, updateDdm } from './ddm.js';
import { createPageHinkley, updatePageHinkley } from './page-hinkley.js';

interface Stream {
  name: string;
  stream: number[];
  changes: number[];
}
interface Reference {
  adwin: Stream[];
  pageHinkley: Stream[];
  ddm: (Stream & { warnings: number })[];
  confusion: { counts: Confusion; accuracy: number; mcc: number }[];
}
const reference = JSON.parse(readFileSync(new URL('../../reference/detectors.json', import.meta.url), 'utf8')) as Reference;

/** Where the detector fires; the state goes through JSON in between, as it does when it is kept. */
function firings<S>(created: S, stream: readonly number[], update: (state: S, value: number) => boolean): number[] {
  let state = created;
  return stream.flatMap((value, index) => {
    if (index % 100 === 0) state = JSON.parse(JSON.stringify(state)) as S;
    return update(state, value) ? [index] : [];
  });
}

describe('detectors fire where River’s do, also when stored and restored', () => {
  // River forgets everything at a change; ours, as the paper has it, keeps what came after. So the comparison starts anew by hand.
  it.each(reference.adwin)('ADWIN on a mean that $name', ({ stream, changes }) => {
    const startAnew = (state: Adwin, value: number): boolean => updateAdwin(state, value) && Boolean(Object.assign(state, createAdwin()));
    expect(firings(createAdwin(), stream, startAnew)).toEqual(changes);
  });

  it.each(reference.pageHinkley)('Page-Hinkley on a mean that $name', ({ stream, changes }) => expect(firings(createPageHinkley(), stream, updatePageHinkley)).toEqual(changes));

  it.each(reference.ddm)('DDM on errors: $name', ({ stream, changes, warnings }) => {
    expect(firings(createDdm(), stream, (state, value) => updateDdm(state, value === 1) === 'drift')).toEqual(changes);
    const state = createDdm();
    expect(stream.filter((value) => updateDdm(state, value === 1) === 'warning')).toHaveLength(warnings);
  });
});

describe('ADWIN', () => {
  it('knows the mean of its window, and keeps it in logarithmic space', () => {
    fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 31 }), (values) => {
      const state = createAdwin();
      for (const value of values) updateAdwin(state, value);
      expect(adwinMean(state)).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length, 10);
    }));
    const state = createAdwin();
    for (let index = 0; index < 100_000; index++) updateAdwin(state, index % 2);
    expect(state.window.count).toBe(100_000);
    expect(state.buckets.length).toBeLessThan(100);
  });

  it('keeps what came after a change and forgets what came before', () => {
    const { stream, changes } = reference.adwin.find(({ name }) => name === 'jumps')!;
    const state = createAdwin();
    for (const value of stream.slice(0, 2000)) updateAdwin(state, value);
    expect(changes[0]).toBeGreaterThan(1000);
    expect(state.window.count).toBeLessThan(1100);
    expect(adwinMean(state)).toBeCloseTo(0.6, 1);
  });
});

describe('decisions against truth', () => {
  it.each(reference.confusion)('score as scikit-learn has it: accuracy $accuracy', ({ counts, ...expected }) => {
    expect(accuracy(counts)).toBeCloseTo(expected.accuracy, 12);
    expect(matthewsCorrelation(counts)).toBeCloseTo(expected.mcc, 12);
  });

  it('count every case once, a score at the threshold as positive', () => {
    expect(confusionOf([0.5, 0.5, 0.4, 0.9, 0.1], [true, false, true, true, false], 0.5)).toEqual({ truePositives: 2, falsePositives: 1, trueNegatives: 1, falseNegatives: 1 });
  });

  it('say nothing for a classifier that always answers the same', () => expect(matthewsCorrelation({ truePositives: 0, falsePositives: 0, trueNegatives: 90, falseNegatives: 10 })).toBe(0));
});
