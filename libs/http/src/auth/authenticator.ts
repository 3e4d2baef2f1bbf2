import { doorSettings, parser, SettingError, type Parsed } from '@throughline/settings';
import type { Logger } from '@throughline/telemetry';
import { KeyRing } from './key-ring.js';
import { OidcVerifier } from './oidc.js';
import type { Principal } from './principal.js';
import { UnauthenticatedError } from './unauthenticated.js';

export type DoorSettings = Partial<Parsed<typeof doorSettings>>;

/** Whether callers must say who they are. */
export const isAuthConfigured = ({ AUTH_KEYS_FILE, AUTH_KEYS, AUTH_OIDC_ISSUER }: DoorSettings): boolean => (AUTH_KEYS_FILE ?? AUTH_KEYS ?? AUTH_OIDC_ISSUER) !== undefined;

const BEARER = /^bearer +(\S+)$/i;
const MAX_TOKEN_LENGTH = 8192;

/** Knows callers by what they send as `authorization`. */
export class Authenticator {
  constructor(private readonly keys: KeyRing | undefined, private readonly oidc: OidcVerifier | undefined) {}

  /**
   * At once for an API key; for a token after its signature was verified.
   *
   * @throws UnauthenticatedError, ContractError `unavailable`; or rejects with them
   */
  principalOf(authorization: string | undefined): Principal | Promise<Principal> {
    if (authorization === undefined) throw new UnauthenticatedError('nobody is named: the header authorization is missing', false);
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined || token.length > MAX_TOKEN_LENGTH) throw new UnauthenticatedError('the header authorization is not “Bearer” and an API key or token', true);
    if (token.startsWith('tl_')) {
      if (this.keys === undefined) throw new UnauthenticatedError('API keys are not accepted here', true);
      return this.keys.principalOf(token);
    }
    if (this.oidc === undefined) throw new UnauthenticatedError('this is no API key, and tokens are not accepted here', true);
    return this.oidc.principalOf(token);
  }

  close(): void {
    this.keys?.close();
    this.oidc?.close();
  }
}

/**
 * The authenticator that the settings describe; `undefined` when they describe none.
 *
 * @throws SettingError
 */
export function createAuthenticator(settings: DoorSettings, logger: Logger, nowMs: () => number = Date.now): Authenticator | undefined {
  if (!isAuthConfigured(settings)) return undefined;
  const keys = keyRing(settings, logger, nowMs);
  return new Authenticator(keys, oidcVerifier(settings, logger, nowMs));
}

function keyRing({ AUTH_KEYS_FILE: file, AUTH_KEYS: json }: DoorSettings, logger: Logger, nowMs: () => number): KeyRing | undefined {
  if (file === undefined && json === undefined) return undefined;
  try {
    return new KeyRing({ file, json, nowMs, logger });
  } catch (error) {
    const name = file === undefined ? 'AUTH_KEYS' : 'AUTH_KEYS_FILE';
    const definition = { ...doorSettings[name], parse: parser(`a list of API keys, but ${(error as Error).message}`, () => undefined) };
    throw new SettingError(name, file ?? json, definition);
  }
}

function oidcVerifier(settings: DoorSettings, logger: Logger, nowMs: () => number): OidcVerifier | undefined {
  const { AUTH_OIDC_ISSUER: issuer, AUTH_OIDC_AUDIENCE: audience } = settings;
  if (issuer === undefined) return undefined;
  if (audience === undefined) throw new SettingError('AUTH_OIDC_AUDIENCE', undefined, doorSettings.AUTH_OIDC_AUDIENCE);
  return new OidcVerifier({
    issuer,
    audience,
    algorithms: settings.AUTH_OIDC_ALGORITHMS ?? doorSettings.AUTH_OIDC_ALGORITHMS.default,
    jwksUrl: settings.AUTH_OIDC_JWKS_URL,
    nameClaim: settings.AUTH_OIDC_NAME_CLAIM ?? doorSettings.AUTH_OIDC_NAME_CLAIM.default,
    roleClaim: settings.AUTH_OIDC_ROLE_CLAIM ?? doorSettings.AUTH_OIDC_ROLE_CLAIM.default,
    teamClaim: settings.AUTH_OIDC_TEAM_CLAIM ?? doorSettings.AUTH_OIDC_TEAM_CLAIM.default,
    clockToleranceSeconds: settings.AUTH_OIDC_CLOCK_TOLERANCE_SECONDS ?? doorSettings.AUTH_OIDC_CLOCK_TOLERANCE_SECONDS.default,
    nowMs,
    logger,
  });
}
