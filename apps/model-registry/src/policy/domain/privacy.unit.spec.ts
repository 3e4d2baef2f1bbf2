import { expect, it } from 'vitest';
import { privacyFault, privacyWarnings } from './privacy.js';

const declared = { features: new Set(['hour', 'distance']), roles: new Set(['origin']) };

it('a feature that no version has is a fault that names those there are', () => {
  expect(privacyFault({ features: { hour: 'omit', distnace: 'hash' } }, declared)).toMatchObject({ reason: expect.stringContaining('“distnace”'), cure: expect.stringContaining('distance, hour') });
  expect(privacyFault({ features: { hour: 'omit' } }, declared)).toBeUndefined();
});

it('a role that no version declares is a warning: requests may have more than the model uses', () => {
  expect(privacyWarnings({ entities: { origin: 'hash', custmer: 'hash' } }, declared)).toEqual([expect.stringContaining('“custmer”')]);
});

it('before the first version nothing is known to be wrong', () => {
  expect(privacyFault({ features: { anything: 'omit' } }, undefined)).toBeUndefined();
  expect(privacyWarnings({ entities: { anybody: 'omit' } }, undefined)).toEqual([]);
});
