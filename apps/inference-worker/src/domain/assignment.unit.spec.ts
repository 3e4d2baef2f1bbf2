import type { ModelDeployment, ServedVersion } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askedOf, assignmentOf, resolve, versionsOf, warmUpSizes, type Assignment } from './assignment.js';
import { splitPoint } from './split.js';

const assignment = (champion: string | undefined, warm: string[], cold: string[] = []): Assignment<string> => ({
  model: 'flights', revision: 4, champion, declaredChampion: undefined, versions: new Map(warm.map((version) => [version, `model ${version}`])), cold: new Set(cold), challengers: [], splitSalt: 'salt', shadows: [], fallbacks: [], breaker: {}, latencyBudgetMs: {},
});
const served = (version: string, more: Partial<ServedVersion> = {}): ServedVersion => ({ version, artifactSha256: '', sizeBytes: 0, signature: { inputs: [], outputs: [], features: [], task: 'other' }, ...more });

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

describe('a rollout', () => {
  const deployment: ModelDeployment = { model: 'flights', revision: 4, updatedAt: '', champion: served('1'), challengers: [served('2', { share: 0.3 }), served('3', { share: 0.2 })], shadows: [served('4'), served('5')], splitSalt: 'salt' };
  const keyAt = (from: number, to: number): string => {
    for (let key = 0; ; key++) if (splitPoint('salt', `${key}`) >= from && splitPoint('salt', `${key}`) < to) return `${key}`;
  };
  const warm = (...versions: string[]) => assignmentOf(deployment, new Map(versions.map((version) => [version, `model ${version}`])), new Set());

  it.each([
    ['the first challenger’s share', keyAt(0, 0.3), { served: 'model 2', role: 'challenger', revision: 4, addressed: 'model 1' }],
    ['the second challenger’s share', keyAt(0.3, 0.5), { served: 'model 3', role: 'challenger' }],
    ['what is left', keyAt(0.5, 1), { served: 'model 1', role: 'champion' }],
  ])('answers keys of %s by that arm', (_, key, expected) => {
    expect(resolve(warm('1', '2', '3'), 'flights', undefined, key)).toMatchObject(expected);
  });

  it('keeps the split while a challenger is not warm: the champion answers for it, and nobody else moves', () => {
    expect(resolve(warm('1', '3'), 'flights', undefined, keyAt(0, 0.3))).toMatchObject({ served: 'model 1', role: 'champion' });
    expect(resolve(warm('1', '3'), 'flights', undefined, keyAt(0.3, 0.5))).toMatchObject({ served: 'model 3', role: 'challenger' });
  });

  it('says with which chance each arm answers: its share, and for the champion what is left', () => {
    const [first, second, rest] = [keyAt(0, 0.3), keyAt(0.3, 0.5), keyAt(0.5, 1)].map((key) => resolve(warm('1', '2', '3'), 'flights', undefined, key));
    expect([first, second, rest]).toMatchObject([{ propensity: 0.3 }, { propensity: 0.2 }, { propensity: 0.5 }]);
  });

  it('adds the chance of a challenger that is not warm to the champion’s, who answers for it, and certainly so when nobody else is warm', () => {
    expect(resolve(warm('1', '3'), 'flights', undefined, keyAt(0, 0.3))).toMatchObject({ role: 'champion', propensity: 0.8 });
    expect(resolve(warm('1', '3'), 'flights', undefined, keyAt(0.3, 0.5))).toMatchObject({ role: 'challenger', propensity: 0.2 });
    expect(resolve(warm('1'), 'flights', undefined, keyAt(0, 0.3))).toMatchObject({ role: 'champion', propensity: undefined });
  });

  it('knows no chance where nobody shares the traffic, or the caller has chosen', () => {
    expect(resolve(assignment('model 1', ['1']), 'flights', undefined, 'key')).toMatchObject({ propensity: undefined });
    expect(resolve(warm('1', '2', '3'), 'flights', '3', keyAt(0, 0.3))).toMatchObject({ role: 'pinned', propensity: undefined });
  });

  it('whose shares are decimal fractions has chances that are, too, and that add up to 1', () => {
    const shares = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 49 })).map(([a, b]) => [a / 100, b / 100] as const);
    fc.assert(fc.property(shares, ([a, b]) => {
      const split = assignmentOf({ ...deployment, challengers: [served('2', { share: a }), served('3', { share: b })] }, new Map(['1', '2', '3'].map((version) => [version, version])), new Set());
      const chances = [keyAt(0, a), keyAt(a, a + b), keyAt(a + b, 1)].map((key) => resolve(split, 'flights', undefined, key)).map((found) => ('propensity' in found ? found.propensity! : Number.NaN));
      expect(chances[0]! + chances[1]! + chances[2]!).toBeCloseTo(1, 9);
      expect(chances.map((chance) => String(chance).length).every((digits) => digits <= 4)).toBe(true);
    }), { numRuns: 30 });
  });

  it('has as shadows those that are warm', () => {
    expect(warm('1', '5').shadows).toEqual(['model 5']);
  });

  it('leaves a pinned version alone', () => {
    expect(resolve(warm('1', '2', '3'), 'flights', '3', keyAt(0, 0.3))).toMatchObject({ served: 'model 3', role: 'pinned', addressed: 'model 3' });
  });
});

it.each([
  ['the champion that is not warm', undefined, { version: '1', role: 'champion', revision: 4 }],
  ['the version that was pinned', '9', { version: '9', role: 'pinned', revision: 4 }],
])('says who should have answered where nobody could: %s', (_, version, expected) => {
  expect(askedOf({ declaredChampion: served('1'), revision: 4 }, version)).toEqual(expected);
});

it('loads each version once, the champion first, then whoever may have to answer, then standbys and shadows', () => {
  const deployment: ModelDeployment = {
    model: 'm', revision: 1, updatedAt: '', champion: served('3'), challengers: [served('4'), served('3')], standbys: [served('7'), served('3')], shadows: [served('4'), served('5')],
    fallbacks: [{ kind: 'previous_version', served: served('2') }],
  };
  expect(versionsOf(deployment).map(({ version }) => version)).toEqual(['3', '4', '2', '7', '5']);
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
