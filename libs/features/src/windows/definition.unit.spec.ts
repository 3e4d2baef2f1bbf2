import { describe, expect, it } from 'vitest';
import { featureViewProblems, sameFeatures, WindowedAggregator, type FeatureViewDefinition } from './index.js';

const view: FeatureViewDefinition = {
  name: 'traffic', version: 1, entityType: 'airport',
  features: [
    { name: 'departures', event: 'departed', aggregate: 'count', windowSeconds: 3600 },
    { name: 'delay', event: 'departed', aggregate: 'mean', field: 'delay', windowSeconds: 3600, default: 0 },
  ],
};
const withFeature = (change: object) => ({ ...view, features: [{ ...view.features[1]!, ...change }] });

describe('featureViewProblems', () => {
  it('accepts a good definition', () => {
    expect(featureViewProblems(view)).toEqual([]);
  });

  it.each([
    ['no object', null, 'the view must be an object'],
    ['no features', { ...view, features: [] }, 'features must be a list with at least one feature'],
    ['a name with two underscores', { ...view, name: 'a__b' }, 'name must not contain "__"'],
    ['version 0', { ...view, version: 0 }, 'version must be an integer from 1'],
    ['an age of nothing', { ...view, maxAgeSeconds: 0 }, 'maxAgeSeconds must be a number above 0'],
    ['twice the same name', { ...view, features: [view.features[0], view.features[0]] }, 'features must have different names'],
    ['an unknown aggregate', withFeature({ aggregate: 'median' }), 'features[0].aggregate must be one of count, sum, mean, max, last, rate'],
    ['mean without a field', withFeature({ field: undefined }), 'features[0].field is needed by mean'],
    ['a window of no length', withFeature({ windowSeconds: 0 }), 'features[0].windowSeconds must be between 1 and 34560000'],
    ['a default that is an object', withFeature({ default: {} }), 'features[0].default must be a number, text, boolean or null'],
  ])('names the field that is wrong: %s', (_, candidate, problem) => {
    expect(featureViewProblems(candidate)).toContain(problem);
  });

  it('is asked before anything runs', () => {
    expect(() => new WindowedAggregator({ ...view, version: 0 })).toThrow('feature view traffic: version must be an integer from 1');
  });
});

describe('sameFeatures', () => {
  it('looks at what is computed, not at the version', () => {
    expect(sameFeatures(view, { ...view, version: 7 })).toBe(true);
    expect(sameFeatures(view, { ...view, features: [...view.features].reverse() })).toBe(false);
    expect(sameFeatures(view, withFeature({ windowSeconds: 60 }))).toBe(false);
  });
});
