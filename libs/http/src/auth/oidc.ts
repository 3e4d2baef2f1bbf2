import type { Logger } from '@throughline/telemetry';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from 'jose';
import { ContractError } from '@throughline/contracts';
import { LRUCache } from 'lru-cache';
import { hashKey } from './api-keys.js';
import type { Principal } from './principal.js';
import { isRole } from './roles.js';
import { UnauthenticatedError } from './unauthenticated.js';

export interface OidcOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  /** Without it the issuer's discovery document says. */
  readonly jwksUrl?: string | undefined;
  readonly nameClaim: string;
  readonly roleClaim: string;
  readonly teamClaim: string;
  readonly clockToleranceSeconds: number;
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** Before it the issuer is not asked again because of a key id that nobody knows. Default 30 s. */
  readonly cooldownMs?: number;
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;

const FETCH_TIMEOUT_MS = 5000;
const COOLDOWN_MS = 30_000;
/** So soon a key that the issuer has withdrawn is no longer accepted, if the issuer answers. */
const REFRESH_EVERY_MS = 600_000;
/** A token is verified anew after so long; checking a signature costs more than scoring. */
const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 1000;
const MAX_NAME_LENGTH = 200;
/** In a name it would end up in the audit and in terminals. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f]/;
/** What the audit calls API keys, rollouts that go on by themselves, and callers who need not say who they are. */
const RESERVED = /^(key:.*|rollout|anonymous)$/;

/** Accepts an issuer's JWTs. Keys once fetched serve on while the issuer is down. */
export class OidcVerifier {
  private keys: KeySet | undefined;
  private discovering: Promise<KeySet> | undefined;
  private readonly refresh: NodeJS.Timeout;
  private readonly remembered = new LRUCache<string, { principal: Principal; expiresMs: number }>({ max: MAX_REMEMBERED, ttl: REMEMBER_MS });

  constructor(private readonly options: OidcOptions) {
    this.refresh = setInterval(() => void this.refreshKeys(), REFRESH_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.refresh);
  }

  /**
   * @throws UnauthenticatedError that says why the token is not accepted; it never repeats the token
   * @throws ContractError `unavailable` while the issuer's keys were never to be had
   */
  async principalOf(token: string): Promise<Principal> {
    const key = hashKey(token);
    const known = this.remembered.get(key);
    if (known !== undefined && known.expiresMs > this.options.nowMs()) return known.principal;
    const claims = await this.verified(token);
    const principal = this.principal(claims);
    this.remembered.set(key, { principal, expiresMs: (claims.exp ?? 0) * 1000 });
    return principal;
  }

  private async verified(token: string): Promise<JWTPayload> {
    const { issuer, audience, algorithms, clockToleranceSeconds, nowMs } = this.options;
    const keys = await this.keySet();
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer, audience, algorithms: [...algorithms], clockTolerance: clockToleranceSeconds, currentDate: new Date(nowMs()), requiredClaims: ['exp', 'sub'],
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JOSEError || keys.jwks() !== undefined) throw this.refusal(error, keys);
      throw unavailable(error);
    }
  }

  private refusal(error: unknown, keys: KeySet): ContractError {
    const reason = reasonOf(error, this.options);
    if (reason !== undefined) return new UnauthenticatedError(reason, true, { cause: error });
    return keys.jwks() === undefined ? unavailable(error) : new UnauthenticatedError('the token is signed by a key that the issuer did not name', true, { cause: error });
  }

  private async keySet(): Promise<KeySet> {
    if (this.keys !== undefined) return this.keys;
    this.discovering ??= this.discover().finally(() => (this.discovering = undefined));
    this.keys = await this.discovering;
    return this.keys;
  }

  private async discover(): Promise<KeySet> {
    const { jwksUrl, cooldownMs = COOLDOWN_MS } = this.options;
    const url = jwksUrl ?? (await this.discoveredUrl());
    return createRemoteJWKSet(new URL(url), { timeoutDuration: FETCH_TIMEOUT_MS, cooldownDuration: cooldownMs, cacheMaxAge: Infinity });
  }

  private async discoveredUrl(): Promise<string> {
    const { issuer } = this.options;
    try {
      const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'error' });
      const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
      if (document.issuer !== issuer) throw new Error('its discovery document names another issuer');
      if (typeof document.jwks_uri !== 'string' || !URL.canParse(document.jwks_uri)) throw new Error('its discovery document has no jwks_uri');
      return document.jwks_uri;
    } catch (error) {
      throw unavailable(error);
    }
  }

  private async refreshKeys(): Promise<void> {
    try {
      await this.keys?.reload();
    } catch (error) {
      this.options.logger.warn({ err: error }, 'the issuer’s keys could not be read again; those read before stay in force');
    }
  }

  private principal(claims: JWTPayload): Principal {
    const { nameClaim, roleClaim, teamClaim } = this.options;
    const name = claimOf(claims, nameClaim);
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_LENGTH || UNPRINTABLE.test(name) || !name.isWellFormed()) throw new UnauthenticatedError(`the token’s claim ${nameClaim} names nobody`, true);
    if (RESERVED.test(name)) throw new UnauthenticatedError(`the token’s claim ${nameClaim} is “${name}”, which on record is somebody else’s name`, true);
    const team = claimOf(claims, teamClaim);
    const roles = [claimOf(claims, roleClaim)].flat().filter(isRole);
    return { name, roles, team: typeof team === 'string' ? team : undefined };
  }
}

/** The claim of that name, else what the path leads to. */
function claimOf(claims: JWTPayload, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split('.').reduce<unknown>((value, step) => (typeof value === 'object' && value !== null && Object.hasOwn(value, step) ? (value as Record<string, unknown>)[step] : undefined), claims);
}

/** `undefined`: it is about keys. */
function reasonOf(error: unknown, { issuer, audience, algorithms }: OidcOptions): string | undefined {
  if (error instanceof errors.JWTExpired) return 'the token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return `the token is not for the audience ${audience}`;
    if (error.claim === 'iss') return `the token is not by the issuer ${issuer}`;
    if (error.claim === 'nbf') return 'the token is not valid yet';
    return `the token’s claim ${error.claim} is missing or not valid`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return `the token’s algorithm is none of ${algorithms.join(', ')}`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the token’s signature is wrong';
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid || error instanceof errors.JOSENotSupported) return 'this is neither an API key nor a signed token (JWT)';
  return undefined;
}

const unavailable = (cause: unknown): ContractError =>
  new ContractError('unavailable', `the token’s issuer does not answer as agreed: ${(cause as Error).message}`, { cause, cure: 'Check AUTH_OIDC_ISSUER; API keys work meanwhile.' });
