import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changeText, differences } from './diff.js';
import { isUpToDate, planOf, type Present, type Wanted } from './plan.js';
import type { ModelFile } from './schema.js';

const file: ModelFile = { throughline: 1, name: 'm', owner: 'ada', version: { artifact: 'model.onnx' }, serving: { latencyBudgetMs: { inference: 2 } } };
const wanted: Wanted = { file, uploadDigest: 'b', isPromotionForced: false };
const nothing: Present = { versions: [], policy: { revision: 0, policy: {} }, deployment: undefined, pastChampions: [], rollouts: [], retraining: undefined, featureViews: {} };
const served: Present = {
  ...nothing, versions: [{ version: '2', uploadDigest: 'b' }, { version: '1', uploadDigest: 'a' }], policy: { revision: 1, policy: { owner: 'ada' } },
  deployment: { revision: 4, champion: '2', serving: { latencyBudgetMs: { inference: 2 } } }, pastChampions: ['1', '2'],
};
const actionsOf = (of: Wanted, present: Present) => planOf(of, present).flatMap(({ action }) => (action === undefined ? [] : [action.kind]));
const championOf = (of: Wanted, present: Present) => planOf(of, present).at(-1)!;

describe('a plan', () => {
  it('of a model that nobody knows makes the version and the policy before anything serves', () => {
    expect(actionsOf(wanted, nothing)).toEqual(['version', 'policy', 'deploy']);
  });

  it('of what is there already is to do nothing', () => {
    expect(isUpToDate(planOf(wanted, served))).toBe(true);
  });

  it('of other serving expects the revision that was seen, and comes before the policy, which may make a revision', () => {
    const other = { ...wanted, file: { ...file, owner: 'bob', serving: { latencyBudgetMs: { inference: 3 } } } };
    expect(actionsOf(other, served)).toEqual(['serving', 'policy']);
    expect(planOf(other, served)).toContainEqual({ title: 'serving', lines: ['~ latencyBudgetMs.inference 2 -> 3'], action: { kind: 'serving', serving: { latencyBudgetMs: { inference: 3 } }, expectedRevision: 4 } });
  });

  it('leaves serving alone where the file has no such section', () => {
    const { serving: _, ...rest } = file;
    expect(isUpToDate(planOf({ ...wanted, file: rest }, served))).toBe(true);
  });

  it('promotes a new version last, expecting the champion that was seen', () => {
    expect(actionsOf({ ...wanted, uploadDigest: 'c' }, served)).toEqual(['version', 'promote']);
    expect(championOf({ ...wanted, uploadDigest: 'c' }, served)).toMatchObject({ lines: ['~ version 2 -> 3, at once'], action: { version: undefined, expected: '2' } });
  });

  it('brings a version that was replaced, or whose rollout ended, back only when told to', () => {
    const before = { ...wanted, uploadDigest: 'a' };
    expect(championOf(before, served).lines).toEqual(['! version 2 serves, not the file’s version 1: it has been champion before, and was replaced; --promote brings it in all the same']);
    const tried: Present = { ...served, pastChampions: ['2'], rollouts: [{ id: 'r', candidate: '1', strategy: 'canary', status: 'rolled_back', conclusion: 'error_rate' }] };
    expect(championOf(before, tried).lines[0]).toContain('its canary rollout ended (rolled back: error_rate)');
    expect(championOf({ ...before, isPromotionForced: true }, tried)).toMatchObject({ action: { kind: 'promote', version: '1' } });
  });

  it('waits for a rollout that runs', () => {
    const running: Present = { ...served, rollouts: [{ id: 'r', candidate: '3', strategy: 'blue_green', status: 'warming' }] };
    expect(championOf({ ...wanted, uploadDigest: 'c' }, running).lines).toEqual(['= version 2; the blue-green rollout r of version 3 is under way']);
    expect(championOf({ ...wanted, uploadDigest: 'a' }, running).lines).toEqual(['! version 1 waits for the end of the blue-green rollout r of version 3']);
  });
});

const json = fc.letrec((tie) => ({ value: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }), fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('value'), { maxKeys: 4 })) })).value;

it('there is no difference between a document and itself, and any other difference is told', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(differences(a, structuredClone(a))).toEqual([]);
      for (const change of differences(a, b)) expect(changeText(change)).toMatch(/^[+~-] /);
    }),
  );
});
