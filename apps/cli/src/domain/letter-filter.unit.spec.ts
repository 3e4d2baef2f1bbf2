import { describe, expect, it } from 'vitest';
import { matches, momentOf } from './letter-filter.js';

const letter = { id: 'dead-letter.v1/0/7', atMs: 1000, code: 'poison', group: 'inference-worker', topic: 'prediction.requested.v1' };

describe('looking for dead letters', () => {
  it('finds every letter without a condition, and those that meet all conditions with several', () => {
    expect(matches(letter, {})).toBe(true);
    expect(matches(letter, { code: 'poison', group: 'inference-worker', topic: 'prediction.requested.v1', sinceMs: 1000, ids: new Set([letter.id]) })).toBe(true);
  });

  it.each([[{ code: 'undecodable' }], [{ group: 'outcome-ledger' }], [{ topic: 'outcome.observed.v1' }], [{ sinceMs: 1001 }], [{ ids: new Set(['dead-letter.v1/1/7']) }]])(
    'passes over a letter that misses one condition: %o', (condition) => {
      expect(matches(letter, { code: 'poison', ...condition })).toBe(false);
    },
  );
});

describe('a moment', () => {
  it.each([['90s', 10_000], ['2m', -20_000], ['1h', -3_500_000], ['1d', -86_300_000], ['1970-01-01T00:00:05Z', 5000], ['1970-01-01T01:00:05+01:00', 5000], ['1970-01-02', 86_400_000]])('%s is understood', (text, expected) => {
    expect(momentOf(text, 100_000)).toBe(expected);
  });

  it.each(['', 'yesterday', '5', '5w', '-5m', '1970-01-01T00:00:05', '1970-13-01'])('“%s” is none', (text) => {
    expect(momentOf(text, 0)).toBeUndefined();
  });
});
