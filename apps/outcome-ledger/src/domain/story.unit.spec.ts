import type { FeatureSpec, ModelSignature } from '@throughline/contracts';
import { expect, it } from 'vitest';
import { nameFeatures } from './story.js';

const stored = (name: string, entityRole: string): FeatureSpec => ({ name, kind: 'numeric', from: { view: 'traffic', viewVersion: 1, feature: 'count', entityRole } });
const signature = (...features: FeatureSpec[]): ModelSignature => ({ inputs: [], outputs: [], task: 'other', features });

it('a feature has the age of its view, or of its view for its own entity', () => {
  const features = signature({ name: 'hour', kind: 'numeric' }, stored('out', 'origin'), stored('in', 'destination'));
  expect(nameFeatures([1, 2, 3], features, { 'traffic/origin': 5, 'traffic/destination': 9 }, [2])).toEqual([
    { name: 'hour', value: 1 },
    { name: 'out', value: 2, view: 'traffic@1', entityRole: 'origin', ageSeconds: 5 },
    { name: 'in', value: 3, view: 'traffic@1', entityRole: 'destination', ageSeconds: 9, defaulted: true },
  ]);
  expect(nameFeatures([2], signature(stored('out', 'origin')), { traffic: 7 }, [])).toMatchObject([{ ageSeconds: 7 }]);
});

it('values without a signature that fits are called by their position', () => {
  expect(nameFeatures([1, null], undefined, {}, [])).toEqual([{ name: 'feature_0', value: 1 }, { name: 'feature_1', value: null }]);
  expect(nameFeatures([1, 2], signature({ name: 'hour', kind: 'numeric' }), {}, []).map(({ name }) => name)).toEqual(['feature_0', 'feature_1']);
});
