import { describe, expect, it } from 'vitest';
import { versionFor } from './view-versions.js';

const wanted = { name: 'traffic', entityType: 'airport', features: [{ name: 'n', event: 'departed', aggregate: 'count' as const, windowSeconds: 60 }] };

describe('versionFor', () => {
  it('makes a version only when the definition changes', () => {
    const first = versionFor(undefined, wanted);
    expect(first.version).toBe(1);
    expect(versionFor(first, wanted)).toBe(first);
    expect(versionFor(first, { ...wanted, maxAgeSeconds: 60 }).version).toBe(2);
  });

  it('refuses what cannot be computed and says why', () => {
    expect(() => versionFor(undefined, { ...wanted, features: [] })).toThrow('features must be a list with at least one feature');
  });
});
