import { createLogger } from '@throughline/telemetry';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OidcVerifier } from './oidc.js';
import { TestIssuer } from './testing/issuer.js';

let issuer: TestIssuer;
let nowMs: number;
beforeEach(async () => {
  issuer = await TestIssuer.start();
  nowMs = Date.now();
});
afterEach(() => issuer.stop());

const verifier = (more: Partial<ConstructorParameters<typeof OidcVerifier>[0]> = {}): OidcVerifier =>
  new OidcVerifier({
    issuer: issuer.url, audience: 'throughline', algorithms: ['ES256'], nameClaim: 'sub', roleClaim: 'roles', teamClaim: 'team', clockToleranceSeconds: 5, nowMs: () => nowMs,
    logger: createLogger('test', { level: 'silent' }), cooldownMs: 0, ...more,
  });

it('a token by the issuer’s new key is accepted without a restart', async () => {
  const oidc = verifier();
  await oidc.principalOf(await issuer.token());
  await issuer.rotate();
  expect(await oidc.principalOf(await issuer.token({ sub: 'grace' }))).toMatchObject({ name: 'grace' });
  expect(issuer.keyRequests).toBe(2);
});

it('a token by a withdrawn key is refused once the keys were read again', async () => {
  const oidc = verifier();
  const old = await issuer.token({ sub: 'old' });
  await issuer.rotate();
  await oidc.principalOf(await issuer.token());
  await expect(oidc.principalOf(old)).rejects.toThrow(/key that the issuer did not name/);
});

it('a token that was accepted is refused once it has expired', async () => {
  const oidc = verifier();
  const token = await issuer.token();
  await oidc.principalOf(token);
  nowMs += 400_000;
  await expect(oidc.principalOf(token)).rejects.toThrow(/has expired/);
});

it('the issuer’s clock may differ a little', async () => {
  const token = await issuer.token({}, { expires: Math.floor(nowMs / 1000) - 3 });
  expect(await verifier().principalOf(token)).toMatchObject({ name: 'ada' });
  await expect(verifier({ clockToleranceSeconds: 0 }).principalOf(token)).rejects.toThrow(/has expired/);
});

it('name and roles are read from the claims that the settings name, within objects too', async () => {
  const oidc = verifier({ roleClaim: 'realm_access.roles', nameClaim: 'https://example.org/login' });
  const token = await issuer.token({ realm_access: { roles: ['approver'] }, 'https://example.org/login': 'ada.l' });
  expect(await oidc.principalOf(token)).toEqual({ name: 'ada.l', roles: ['approver'], team: undefined });
  await expect(oidc.principalOf(await issuer.token())).rejects.toThrow(/claim https:\/\/example.org\/login names nobody/);
});

it('a discovery document that names another issuer is not followed', async () => {
  await expect(verifier({ issuer: issuer.url.replace('realms/test', 'realms/other') }).principalOf(await issuer.token())).rejects.toThrow(/names another issuer/);
});
