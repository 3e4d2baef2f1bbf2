import type { ModelSignature } from '@throughline/contracts';
import { binnedCount, emptySetLike, observe } from '@throughline/stats';
import { describe, expect, it } from 'vitest';
import { freezeProfile, referenceColumns, type ReferenceTable } from './baseline.js';

const signature: ModelSignature = {
  inputs: [{ name: 'carrier', datatype: 'BYTES', shape: [-1, 1] }, { name: 'delay', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 2] }],
  features: [{ name: 'delay', kind: 'numeric' }, { name: 'carrier', kind: 'categorical' }],
  task: 'binary_classification',
  score: { output: 'p', index: 1 },
};
const TENTHS = [0.1, 0.3, 0.7, 0.9];
const table: ReferenceTable = {
  rowCount: 400,
  columns: new Map<string, (number | string | null)[]>([
    ['delay', Array.from({ length: 400 }, (_, row) => TENTHS[row % 4]!)],
    ['carrier', Array.from({ length: 400 }, (_, row) => (row % 4 === 0 ? null : row % 4 === 1 ? 'AA' : 'UA'))],
    ['score', Array.from({ length: 400 }, (_, row) => row / 400)],
  ]),
};

describe('the baseline of a version', () => {
  it('is asked for every feature and the score', () => {
    expect([...referenceColumns(signature)]).toEqual([['delay', 'numeric'], ['carrier', 'categorical'], ['score', 'numeric']]);
    const { score: _, ...without } = signature;
    expect([...referenceColumns(without).keys()]).toEqual(['delay', 'carrier']);
  });
  it('holds a profile of each', () => {
    const { rowCount, features, outputs } = freezeProfile(table, signature);
    expect(rowCount).toBe(400);
    expect(features['carrier']).toMatchObject({ kind: 'categorical', categories: ['UA', 'AA'], counts: [200, 100], nullCount: 100 });
    expect(features['delay']).toMatchObject({ kind: 'numeric', counts: [100, 100, 100, 100] });
    expect(outputs['score']).toMatchObject({ kind: 'numeric' });
    expect(binnedCount(outputs['score']!)).toBe(400);
  });
  it('counts a missing value as the default that replaces it', () => {
    const features: ModelSignature['features'] = [{ name: 'delay', kind: 'numeric', default: 0.3 }, { name: 'carrier', kind: 'categorical', default: 'AA' }];
    const columns = new Map([...table.columns, ['delay', [null, 0.3, 0.9]] as const]);
    const profile = freezeProfile({ rowCount: 400, columns }, { ...signature, features });
    expect(profile.features['delay']).toMatchObject({ counts: [2, 1], nullCount: 0 });
    expect(profile.features['carrier']).toMatchObject({ categories: ['AA', 'UA'], counts: [200, 200], nullCount: 0 });
  });
  it('survives the journey as JSON', () => {
    const profile = freezeProfile(table, signature);
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
  });
  it.each([['as decimals', (value: number) => value], ['in float32', (value: number) => Math.fround(value)]])('puts the values of a reference %s into the bins that those of the traffic fall in, which are written as decimals', (_, written) => {
    const delays = (table.columns.get('delay') as number[]).map(written);
    const baseline = freezeProfile({ ...table, columns: new Map([...table.columns, ['delay', delays]]) }, signature);
    const window = emptySetLike(baseline).features['delay']!;
    for (const value of TENTHS) observe(window, value);
    expect(window.counts).toEqual([1, 1, 1, 1]);
  });
});
