import { ContractError } from '@throughline/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMetadata } from './metadata.js';

const feature = { name: 'distance', kind: 'numeric' };
const parse = (more: object) => parseMetadata(JSON.stringify({ features: [feature], task: 'binary_classification', ...more }));
const reason = (more: object): string => {
  try {
    parse(more);
  } catch (error) {
    if (error instanceof ContractError && error.code === 'invalid_request') return error.message;
    throw error;
  }
  throw new Error('was accepted');
};

describe('metadata of an upload', () => {
  it('is taken as it is when it is valid', () => {
    const metadata = {
      features: [{ ...feature, default: 0, from: { view: 'airport', viewVersion: 2, feature: 'delay', entityRole: 'origin', maxAgeSeconds: 60 } }],
      task: 'binary_classification', score: { output: 'p', index: 1, threshold: 0.5 }, entities: { origin: 'airport' }, metrics: { auc: 0.7 }, trainer: 'sklearn', trainerVersion: '1.7', parentVersion: '3', environmentSha256: 'ab'.repeat(32),
      golden: { rows: [{ features: { distance: 3 } }], absoluteTolerance: 0.01 },
      dataset: { snapshotId: 'may', sha256: 'cd'.repeat(32), rows: 10 }, codeCommit: 'abc', hyperparameters: { depth: 3 }, owner: 'ada', team: 'ops', tags: { a: 'b' }, modelCard: '# Late flights',
    };
    expect(parse(metadata)).toEqual(metadata);
  });

  it.each([
    ['no features', { features: [] }, /features/],
    ['a hash that is none', { dataset: { sha256: 'abc' } }, /dataset/],
    ['an environment that is no hash', { environmentSha256: 'python 3.12' }, /environmentSha256/],
    ['an unknown task', { task: 'clustering' }, /task/],
    ['a misspelt field', { metric: { auc: 1 } }, /unknown field “metric”/],
    ['a misspelt field of a feature', { features: [{ ...feature, defualt: 0 }] }, /features\.0 has an unknown field “defualt”/],
    ['a metric that is not a number', { metrics: { auc: 'good' } }, /metrics\.auc must be number/],
    ['a text default of a number', { features: [{ ...feature, default: 'none' }] }, /default of “distance” must be a number/],
    ['a NaN default where NaN is not allowed', { features: [{ ...feature, default: 'NaN' }] }, /allowNaN/],
    ['a number as the default of a category', { features: [{ name: 'carrier', kind: 'categorical', default: 1 }] }, /must be text/],
    ['a feature that takes the score’s name', { features: [{ ...feature, name: 'score' }] }, /cannot be called “score”/],
    ['a lookup by a role that entities does not name', { features: [{ ...feature, from: { view: 'v', viewVersion: 1, feature: 'f', entityRole: 'origin' } }] }, /entity role “origin”/],
  ])('is refused with %s, and the reason names the place', (_, more, expected) => expect(reason(more)).toMatch(expected));

  it('is refused when it is not JSON', () => expect(() => parseMetadata('{"features":')).toThrow(/metadata: it is not JSON/));
  it('never fails otherwise than with invalid_request', () =>
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json(), fc.object().map((object) => JSON.stringify({ features: [feature], task: 'other', ...object }))), (text) => {
      try {
        parseMetadata(text);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_request' });
      }
    })));
});
