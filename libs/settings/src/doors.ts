import { defineSettings } from './define.js';
import { integer, parser, text, type Parser } from './parsers.js';

/** Only signatures by a private key: with a shared secret whoever can check a token could make one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];

const algorithms: Parser<readonly string[]> = parser(`one or more of ${ALGORITHMS.join(', ')}, separated by commas`, (raw) => {
  const names = raw.split(',').map((name) => name.trim());
  return names.every((name) => ALGORITHMS.includes(name)) ? names : undefined;
});

/** Not shortened: tokens name their issuer with or without a slash at the end, and must name exactly this. */
const issuerUrl: Parser<string> = parser('a URL that starts with https://, or http:// on this machine', (raw) => {
  if (!URL.canParse(raw)) return undefined;
  const { protocol, hostname } = new URL(raw);
  return protocol === 'https:' || (protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) ? raw : undefined;
});

/** The header that says who sends a request. @param key an API key or a token; without one the request names nobody */
export const bearer = (key: string | undefined): { authorization?: string } => (key === undefined ? {} : { authorization: `Bearer ${key}` });

/** Who is let in, and how much of everything; docs/security.md explains them. With any of the first three, every request must say who sends it. */
export const doorSettings = defineSettings({
  AUTH_KEYS_FILE: { meaning: 'File of API keys, as `throughline keys create` writes it: hashes only; read again when it changes', parse: text },
  AUTH_KEYS: { meaning: 'The same as JSON in the environment', parse: text, secret: true },
  AUTH_OIDC_ISSUER: { meaning: 'Issuer whose tokens (JWT) are accepted, exactly as they name it', parse: issuerUrl },
  AUTH_OIDC_AUDIENCE: { meaning: 'Audience that a token must be for', parse: text },
  AUTH_OIDC_ALGORITHMS: { meaning: 'Signature algorithms that a token may use', parse: algorithms, default: ['RS256', 'ES256'] as readonly string[] },
  AUTH_OIDC_JWKS_URL: { meaning: 'Where the issuer’s public keys are; without it its discovery document says', parse: issuerUrl },
  AUTH_OIDC_NAME_CLAIM: { meaning: 'Claim that names the caller in the audit; one that callers cannot choose', parse: text, default: 'sub' },
  AUTH_OIDC_ROLE_CLAIM: { meaning: 'Claim with the roles, as text or a list; a path such as realm_access.roles reaches into objects', parse: text, default: 'roles' },
  AUTH_OIDC_TEAM_CLAIM: { meaning: 'Claim with the caller’s team', parse: text, default: 'team' },
  AUTH_OIDC_CLOCK_TOLERANCE_SECONDS: { meaning: 'How far the issuer’s clock may differ', unit: 's', parse: integer(0, 300), default: 30 },
  AUTH_SERVICE_KEY: { meaning: 'API key (role operator) with which services call each other; `npm start` makes one for its own', parse: text, secret: true },
  HTTP_RATE_LIMIT_PER_SECOND: { meaning: 'Requests a second of one caller, averaged over ten seconds, 0 for any number; without it 100 where callers must say who they are', unit: 'requests', parse: integer(0, 1_000_000) },
  HTTP_INFERENCE_RATE_LIMIT_PER_SECOND: { meaning: 'The same for predictions and features, which HTTP_RATE_LIMIT_PER_SECOND does not count; 0 for any number', unit: 'requests', parse: integer(0, 1_000_000), default: 0 },
  HTTP_BODY_LIMIT_BYTES: { meaning: 'Largest request body, uploads of files aside; without it what the service finds reasonable (1 to 16 MiB)', unit: 'bytes', parse: integer(1024, 2 ** 30) },
  HTTP_REQUEST_TIMEOUT_SECONDS: { meaning: 'Longest a client may take to send a request', unit: 's', parse: integer(1, 86_400), default: 600 },
});
