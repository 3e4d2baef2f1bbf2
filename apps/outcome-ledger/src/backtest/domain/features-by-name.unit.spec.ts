import { describe, expect, it } from 'vitest';
import { mapFeatures, valuesOf } from './features-by-name.js';

const numeric = (name: string, more: object = {}) => ({ name, kind: 'numeric' as const, ...more });
const from = (viewVersion: number) => ({ from: { view: 'airport', viewVersion, feature: 'mean_delay', entityRole: 'origin' } });
const stored = (values: (number | string | boolean | null)[], more: { defaulted?: number[]; isWithheld?: boolean } = {}) => ({ values, defaulted: [], isWithheld: false, ...more });

describe('features of the past', () => {
  it('meet by name, whatever their order', () => {
    expect(valuesOf(mapFeatures([numeric('a'), numeric('b'), numeric('c')], [numeric('c'), numeric('a')]), stored([1, 2, 3]))).toEqual([3, 1]);
  });

  it('that were not stored are missing, also where the candidate has a default: the request may have had them', () => {
    expect(valuesOf(mapFeatures([numeric('a')], [numeric('a'), numeric('new', { default: 0 })]), stored([1]))).toBe('feature_missing');
    expect(valuesOf(mapFeatures([numeric('a')], [numeric('a')]), stored([]))).toBe('feature_missing');
  });

  it('that nobody had sent are the candidate’s default, not that of the version that answered', () => {
    const answered = [numeric('a', { default: 7 })];
    expect(valuesOf(mapFeatures(answered, [numeric('a', { default: 9 })]), stored([7], { defaulted: [0] }))).toEqual([9]);
    expect(valuesOf(mapFeatures(answered, [numeric('a')]), stored([7], { defaulted: [0] }))).toBe('feature_missing');
  });

  it('of another version of a view, or of another kind, are other features', () => {
    expect(mapFeatures([numeric('d', from(1))], [numeric('d', from(2))]).missing).toEqual(['d']);
    expect(mapFeatures([numeric('d', from(1))], [numeric('d', from(1))]).missing).toEqual([]);
    expect(mapFeatures([numeric('d')], [{ name: 'd', kind: 'categorical' }]).missing).toEqual(['d']);
  });

  it('that a policy left out or hashed are withheld, unless the candidate does not need them', () => {
    const hash = `hmac:${'a'.repeat(22)}`;
    const both = [numeric('a'), { name: 'b', kind: 'categorical' as const }];
    expect(valuesOf(mapFeatures(both, both), stored([null, 'x'], { isWithheld: true }))).toBe('withheld');
    expect(valuesOf(mapFeatures(both, both), stored([1, hash], { isWithheld: true }))).toBe('withheld');
    expect(valuesOf(mapFeatures(both, [numeric('a')]), stored([1, hash], { isWithheld: true }))).toEqual([1]);
    expect(valuesOf(mapFeatures(both, both), stored([null, 'x']))).toBe('feature_missing');
  });
});
