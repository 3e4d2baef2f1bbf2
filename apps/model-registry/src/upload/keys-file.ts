import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readTrustedKeys } from '../domain/signing.js';

/** The keys whose signatures are trusted; none without a file. @throws Error, naming the setting */
export function readKeysFile(path: string | undefined): KeyObject[] {
  if (path === undefined) return [];
  try {
    return readTrustedKeys(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Error(`REGISTRY_TRUSTED_KEYS_FILE (${path}): ${(cause as Error).message}`, { cause });
  }
}
