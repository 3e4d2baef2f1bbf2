import type { ModelSignature } from '@throughline/contracts';
import { describe, expect, it } from 'vitest';
import { signatureChanges } from './signature-changes.js';

const champion: ModelSignature = {
  inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
  features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }], task: 'binary_classification', entities: { origin: 'airport' },
};
const changes = (more: Partial<ModelSignature>): string[] => signatureChanges(champion, { ...champion, ...more });

describe('what producers and consumers would notice', () => {
  it('is nothing of the same features in another order, or of one that the store looks up', () => {
    expect(changes({ features: champion.features.toReversed() })).toEqual([]);
    expect(changes({ features: [...champion.features, { name: 'wind', kind: 'numeric', from: { view: 'v', viewVersion: 1, feature: 'wind', entityRole: 'origin' } }, { name: 'day', kind: 'numeric', default: 1 }] })).toEqual([]);
    expect(changes({ inputs: [{ name: 'x', datatype: 'FP64', shape: [-1, 2] }] })).toEqual([]);
  });

  it.each<[string, Partial<ModelSignature>, RegExp]>([
    ['a feature that must be sent now', { features: [...champion.features, { name: 'wind', kind: 'numeric' }] }, /feature “wind” is new/],
    ['a feature of another kind', { features: [{ name: 'hour', kind: 'categorical' }, champion.features[1]!] }, /“hour” is categorical, was numeric/],
    ['another output', { outputs: [{ name: 'score', datatype: 'FP32', shape: [-1, 1] }] }, /output “probability” is gone/],
    ['an output of another width', { outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 2] }] }, /is FP32 \[2\], was FP32 \[1\]/],
    ['another task', { task: 'regression' }, /task is regression/],
    ['another entity', { entities: { destination: 'airport' } }, /entity “destination” is new/],
  ])('is %s', (_name, more, reason) => expect(changes(more).join('; ')).toMatch(reason));
});
