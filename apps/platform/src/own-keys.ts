import { randomBytes } from 'node:crypto';
import { hashKey, isAuthConfigured, keyText, SECRET_BYTES, type DoorSettings, type KeyRecord, type Role } from '@throughline/http';
import { LocalStackError } from '@throughline/local-stack';

/** API keys that live as long as this platform. */
export interface OwnKeys {
  /** With which services call each other and the platform asks them how they are. */
  readonly service: string;
  /** For the demo, which uploads, promotes and produces. */
  readonly demo: string;
  /** What services need to know the given keys and these: hashes only, for `AUTH_KEYS`. */
  readonly json: string;
}

/**
 * New keys, where callers must say who they are; they reach those that need them through the environment, never through a file.
 *
 * @throws LocalStackError when the given `AUTH_KEYS` is no list
 */
export function makeOwnKeys(settings: DoorSettings): OwnKeys | undefined {
  if (!isAuthConfigured(settings)) return undefined;
  const [service, demo] = [keyText('service', randomBytes(SECRET_BYTES)), keyText('demo', randomBytes(SECRET_BYTES))];
  const record = (id: string, key: string, role: Role): KeyRecord => ({ id, sha256: hashKey(key), role, name: id });
  return { service, demo, json: JSON.stringify([...given(settings.AUTH_KEYS), record('service', service, 'operator'), record('demo', demo, 'admin')]) };
}

function given(json: string | undefined): unknown[] {
  if (json === undefined) return [];
  try {
    const keys: unknown = JSON.parse(json);
    if (Array.isArray(keys)) return keys;
  } catch {
    // Said below.
  }
  throw new LocalStackError('AUTH_KEYS is no JSON list of API keys.', 'docs/security.md shows one; `throughline keys create` writes such a list into a file for AUTH_KEYS_FILE.');
}
