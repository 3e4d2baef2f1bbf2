import type { ModelDeployment, ServedVersion } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolve, versionsOf, warmUpSizes, type Assignment } from './assignment.js';

const assignment = (champion: string | undefined, warm: string[], cold: string[] = []): Assignment<string> => ({
  model: 'flights', revision: 4, champion, versions: new Map(warm.map((version) => [version, `model ${version}`])), cold: new Set(cold),
});

describe('resolve', () => {
  it.each([
    ['the champion without a version', assignment('model 1', ['1', '2']), undefined, { served: 'model 1', role: 'champion', revision: 4 }],
    ['the version that is asked for, as pinned', assignment('model 1', ['1', '2']), '2', { served: 'model 2', role: 'pinned' }],
    ['the champion’s version, when asked for, as pinned too', assignment('model 1', ['1']), '1', { served: 'model 1', role: 'pinned' }],
    ['unknown_model for a model that is not deployed', undefined, undefined, { code: 'unknown_model' }],
    ['unknown_model for a model without a champion', assignment(undefined, ['2']), undefined, { code: 'unknown_model' }],
    ['unknown_version for a version outside the deployment', assignment('model 1', ['1']), '9', { code: 'unknown_version' }],
    ['model_not_ready while the champion is loading', assignment(undefined, [], ['1']), undefined, { code: 'model_not_ready' }],
    ['model_not_ready for a version that does not load', assignment('model 1', ['1'], ['2']), '2', { code: 'model_not_ready' }],
  ])('gives %s', (_, given, version, expected) => {
    expect(resolve(given, 'flights', version)).toMatchObject(expected);
  });
});

it('loads each version once, the champion first', () => {
  const served = (version: string): ServedVersion => ({ version, artifactSha256: '', sizeBytes: 0, signature: { inputs: [], outputs: [], features: [], task: 'other' } });
  const deployment: ModelDeployment = { model: 'm', revision: 1, updatedAt: '', champion: served('3'), challengers: [served('4'), served('3')], shadows: [served('4'), served('5')] };
  expect(versionsOf(deployment).map(({ version }) => version)).toEqual(['3', '4', '5']);
});

it('warms up from a lone row to the largest batch', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4096 }), (max) => {
      const sizes = warmUpSizes(max);
      expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b));
      expect([sizes[0], sizes.at(-1)]).toEqual([1, max]);
    }),
  );
});
