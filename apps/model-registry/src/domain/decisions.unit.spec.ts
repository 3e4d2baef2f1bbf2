import type { ServedVersion } from '@throughline/contracts';
import { isValid } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideAlias } from './alias.js';
import { decideDeployment, noDeployment, toEvent, withChampion, type Assignment, type Deployment } from './deployment.js';
import { checkAliasName, checkModelName, versionNumber } from './names.js';
import { uploadDigest } from './upload-digest.js';

const assigned = (assignment: Partial<Assignment>, revision = 4): Deployment => ({ model: 'flights', revision, assignment: { challengers: [], shadows: [], ...assignment } });
const wanted = (assignment: Partial<Assignment>): Assignment => ({ challengers: [], shadows: [], ...assignment });

describe('moving an alias', () => {
  it('swaps when the writer saw what is there', () => expect(decideAlias(1, { alias: 'champion', version: 2, expected: 1 })).toBe('move'));
  it('sets one that nobody had set', () => expect(decideAlias(null, { alias: 'champion', version: 1, expected: null })).toBe('move'));
  it('moves whatever is there when nothing is expected', () => expect(decideAlias(7, { alias: 'champion', version: 2 })).toBe('move'));
  it('changes nothing when it is there already', () => expect(decideAlias(2, { alias: 'champion', version: 2 })).toBe('unchanged'));
  it.each([[3, 1], [3, null], [null, 1]])('loses when it is at %s and %s was expected', (current, expected) =>
    expect(() => decideAlias(current, { alias: 'champion', version: 2, expected })).toThrow(expect.objectContaining({ code: 'conflict' })));
  it('lets exactly one of any number of racing writers win', () =>
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 2, max: 1000 }), { minLength: 2 }), (versions) => {
      let current: number | null = 1;
      let wins = 0;
      for (const version of versions) {
        try {
          if (decideAlias(current, { alias: 'champion', version, expected: 1 }) === 'move') [current, wins] = [version, wins + 1];
        } catch { /* lost */ }
      }
      expect(wins).toBe(1);
    })));
});

describe('a deployment', () => {
  it('counts its revisions from 1', () => expect(decideDeployment(noDeployment('flights'), wanted({ champion: 1 }))).toMatchObject({ revision: 1, assignment: { champion: 1 } }));
  it('stays at its revision when nothing changes', () => {
    const current = assigned({ champion: 1, shadows: [2] });
    expect(decideDeployment(current, wanted({ champion: 1, shadows: [2] }))).toBe(current);
  });
  it('refuses a writer who has not seen the last revision', () =>
    expect(() => decideDeployment(assigned({}), wanted({ champion: 1 }), 3)).toThrow(expect.objectContaining({ code: 'conflict' })));
  it.each([
    ['one version in two roles', { champion: 1, shadows: [1] }],
    ['shares above 1', { champion: 1, challengers: [{ version: 2, share: 0.6 }, { version: 3, share: 0.6 }] }],
    ['a share of 0', { champion: 1, challengers: [{ version: 2, share: 0 }] }],
    ['challengers without a champion', { challengers: [{ version: 2, share: 0.1 }] }],
  ])('refuses %s', (_, assignment) => expect(() => decideDeployment(assigned({}), wanted(assignment))).toThrow(expect.objectContaining({ code: 'invalid_request' })));
  it('keeps the salt of the split while challengers change, so that keys stay with their arm', () => {
    const first = decideDeployment(assigned({ champion: 1 }), wanted({ champion: 1, challengers: [{ version: 2, share: 0.1 }] }));
    const second = decideDeployment(first, wanted({ champion: 1, challengers: [{ version: 2, share: 0.5 }] }));
    expect(first.assignment.splitSalt).toBe('flights/5');
    expect(second.assignment.splitSalt).toBe('flights/5');
    const ended = decideDeployment(second, wanted({ champion: 2 }));
    const next = decideDeployment(ended, wanted({ champion: 2, challengers: [{ version: 3, share: 0.1 }] }));
    expect([ended.assignment.splitSalt, next.assignment.splitSalt]).toEqual([undefined, 'flights/8']);
  });
  it('gives a new champion no second role', () =>
    expect(withChampion({ champion: 1, challengers: [{ version: 2, share: 0.2 }, { version: 3, share: 0.1 }], shadows: [4] }, 2))
      .toEqual({ champion: 2, challengers: [{ version: 3, share: 0.1 }], shadows: [4] }));
  it('becomes an event that satisfies the contract', () => {
    const served = (version: number): ServedVersion => ({
      version: String(version), artifactSha256: 'a'.repeat(64), sizeBytes: 1,
      signature: { inputs: [], outputs: [], features: [], task: 'other' },
    });
    const event = toEvent(assigned({ champion: 1, challengers: [{ version: 2, share: 0.25 }], shadows: [3], splitSalt: 's', maxBatchSize: 64 }), served, new Date(0));
    expect(isValid('model.deployment.v1', event)).toBe(true);
    expect(event).toMatchObject({ revision: 4, updatedAt: '1970-01-01T00:00:00.000Z', champion: { version: '1' }, challengers: [{ version: '2', share: 0.25 }], shadows: [{ version: '3' }] });
  });
});

describe('names', () => {
  it.each(['flights', 'Flights-2.1_x', '9lives'])('lets a model be called %s', (name) => expect(checkModelName(name)).toBe(name));
  it.each(['', '.', '../etc', 'a/b', 'a b', 'ä', 'x'.repeat(201)])('lets no model be called “%s”', (name) => expect(() => checkModelName(name)).toThrow(expect.objectContaining({ code: 'invalid_request' })));
  it.each(['1', '12', '', 'a/b'])('lets no alias be called “%s”', (name) => expect(() => checkAliasName(name)).toThrow(expect.objectContaining({ code: 'invalid_request' })));
  it.each(['0', '-1', '1.5', 'latest', '01', '99999999999'])('knows that no version is called “%s”', (version) => expect(() => versionNumber('m', version)).toThrow(expect.objectContaining({ code: 'unknown_version' })));
});

describe('the digest of an upload', () => {
  const upload = { artifactSha256: 'a'.repeat(64), metadata: { features: [{ name: 'x', kind: 'numeric' as const }], task: 'other' as const } };
  it('does not depend on the order of keys', () =>
    expect(uploadDigest(upload)).toBe(uploadDigest({ ...upload, metadata: { task: 'other', features: [{ kind: 'numeric', name: 'x' }] } })));
  it('depends on everything else', () => {
    const digests = [upload, { ...upload, artifactSha256: 'b'.repeat(64) }, { ...upload, referenceSha256: 'c'.repeat(64) }, { ...upload, metadata: { ...upload.metadata, owner: 'ada' } }].map(uploadDigest);
    expect(new Set(digests).size).toBe(4);
  });
});
