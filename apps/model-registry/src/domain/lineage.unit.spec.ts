import { describe, expect, it } from 'vitest';
import { missingLineage } from './lineage.js';
import { rolesOf } from './roles.js';

const COMPLETE = { dataset: { snapshotId: 's' }, codeCommit: 'c', metrics: { auc: 0.5 } };

describe('what a version must say of its making', () => {
  it.each([
    ['all of it', COMPLETE, []],
    ['a data set in one word', { ...COMPLETE, dataset: 'flights, May 2001' }, []],
    ['nothing', {}, ['dataset', 'codeCommit', 'metrics']],
    ['no more than names', { dataset: {}, codeCommit: ' ', metrics: {} }, ['dataset', 'codeCommit', 'metrics']],
    ['no code', { dataset: 'd', metrics: { auc: 0.5 } }, ['codeCommit']],
  ])('is judged of %s', (_, metadata, missing) => {
    expect(missingLineage('onnx', metadata)).toEqual(missing);
  });

  it('is nothing for rules', () => expect(missingLineage('rules', {})).toEqual([]));
});

it('the roles of a version are all that an assignment has it in', () => {
  const assignment = { champion: 1, challengers: [{ version: 2, share: 0.5 }], shadows: [3], standbys: [4], fallbacks: [{ kind: 'previous_version', version: 2 }, { kind: 'last_known_good', maxAgeSeconds: 1 }] } as const;
  expect([1, 2, 3, 4, 5].map((version) => rolesOf(assignment, version))).toEqual([['champion'], ['challenger', 'fallback'], ['shadow'], ['standby'], []]);
});
