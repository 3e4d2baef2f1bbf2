import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needOf } from './access.js';
import { hashKey, idOfKey, isKeyOf, keyText, parseKeys, SECRET_BYTES } from './api-keys.js';

describe('what a request needs', () => {
  it.each([
    ['GET', '/health/ready', 'anyone'],
    ['POST', '/health/ready', 'operator'],
    ['GET', '/metrics', 'viewer'],
    ['GET', undefined, 'viewer'],
    ['HEAD', '/registry/v1/models', 'viewer'],
    ['GET', '/v2/models/:model', 'viewer'],
    ['POST', '/v2/models/:model/infer', 'producer'],
    ['POST', '/v2/models/:model/versions/:version/infer', 'producer'],
    ['POST', '/push', 'producer'],
    ['POST', '/get-online-features', 'viewer'],
    ['GET', '/ledger/v1/erasures', 'admin'],
    ['POST', '/ledger/v1/erasures', 'admin'],
    ['POST', '/ledger/v1/erasures/:erasureId/proof', 'admin'],
    ['POST', '/ledger/v1/backtests', 'operator'],
    ['PUT', '/ledger/v1/queries/:queryName', 'operator'],
    ['POST', '/ledger/v1/queries/:queryName/export', 'viewer'],
    ['POST', '/ledger/v1/exports', 'viewer'],
    ['POST', '/ledger/v1/predictions/:predictionId/recompute', 'viewer'],
    ['POST', '/ledger/v1/recomputations', 'viewer'],
    ['POST', '/ledger/v1/predictions/:predictionId/trace', 'operator'],
    ['POST', '/api/2.0/mlflow/runs/search', 'viewer'],
    ['POST', '/api/2.0/mlflow/runs/create', 'operator'],
    ['POST', '/registry/v1/models/:name/versions', 'operator'],
    ['PUT', '/registry/v1/models/:name/aliases/:alias', 'operator'],
    ['PUT', '/registry/v1/models/:name/deployment', 'approver'],
    ['PUT', '/registry/v1/models/:name/policy', 'approver'],
    ['POST', '/registry/v1/models/:name/versions/:version/overrides', 'approver'],
    ['POST', '/registry/v1/models/:name/rollouts', 'operator'],
    ['POST', '/registry/v1/models/:name/rollouts/:id/abort', 'operator'],
    ['POST', '/registry/v1/models/:name/rollouts/:id/promote', 'approver'],
    ['POST', '/registry/v1/models/:name/rollback', 'operator'],
    ['DELETE', '/anything/else', 'operator'],
  ] as const)('%s %s: %s', (method, route, need) => expect(needOf(method, route)).toBe(need));
});

describe('API keys', () => {
  it('are known again by their hash, and nothing else is', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z0-9]{1,32}$/), fc.uint8Array({ minLength: SECRET_BYTES, maxLength: SECRET_BYTES }), fc.string(), (id, secret, other) => {
      const key = keyText(id, Buffer.from(secret));
      const record = { id, sha256: hashKey(key), role: 'viewer', name: 'x' } as const;
      expect([idOfKey(key), isKeyOf(record, key), isKeyOf(record, other), isKeyOf(undefined, key)]).toEqual([id, true, false, false]);
    }));
  });
  it('that nobody has are not known by the hash that stands for nobody', () => {
    expect(isKeyOf(undefined, keyText('a', randomBytes(SECRET_BYTES)))).toBe(false);
  });
  const good = { id: 'a', sha256: 'a'.repeat(64), role: 'viewer', name: 'ci' };
  it.each([
    ['{', 'it is not JSON'],
    ['{}', 'it is not a list'],
    ['[null]', 'entry 1: id must be'],
    [JSON.stringify([good, { ...good, id: 'B' }]), 'entry 2: id must be'],
    [JSON.stringify([{ ...good, sha256: 'secret' }]), 'entry 1: sha256 must be'],
    [JSON.stringify([{ ...good, expiresAt: 'soon' }]), 'entry 1: expiresAt must be'],
    [JSON.stringify([good, good]), 'the id a is there twice'],
  ])('%s is refused: %s', (json, reason) => expect(() => parseKeys(json)).toThrow(reason));
});
