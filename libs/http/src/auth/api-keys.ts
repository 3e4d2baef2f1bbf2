import { hash, timingSafeEqual } from 'node:crypto';
import { isRole, ROLES, type Role } from './roles.js';

/** What is kept of an API key: enough to know it again, not enough to use it. */
export interface KeyRecord {
  readonly id: string;
  /** Of the whole key, in hex. The key has 256 random bits, so a slow hash would protect nothing more. */
  readonly sha256: string;
  readonly role: Role;
  readonly name: string;
  readonly team?: string | undefined;
  /** RFC 3339. */
  readonly expiresAt?: string | undefined;
}

const KEY = /^tl_([a-z0-9]{1,32})_([A-Za-z0-9_-]{43})$/;
export const SECRET_BYTES = 32;
const ID = /^[a-z0-9]{1,32}$/;
const SHA256 = /^[0-9a-f]{64}$/;
/** Compared with where no record has the id, so that an unknown id takes as long as a wrong secret. */
const NO_HASH = '0'.repeat(64);

export const hashKey = (key: string): string => hash('sha256', key);

/** The id in a key, `undefined` when it is none. */
export const idOfKey = (key: string): string | undefined => KEY.exec(key)?.[1];

/** @param secret 32 random bytes */
export const keyText = (id: string, secret: Buffer): string => `tl_${id}_${secret.toString('base64url')}`;

/** Whether the record was made of this key; takes as long whatever differs, a missing record included. */
export function isKeyOf(record: KeyRecord | undefined, key: string): record is KeyRecord {
  const equal = timingSafeEqual(Buffer.from(hashKey(key), 'hex'), Buffer.from(record?.sha256 ?? NO_HASH, 'hex'));
  return equal && record !== undefined;
}

/**
 * Reads the JSON of a file of keys.
 *
 * @throws Error that says what is wrong with which entry; it never repeats a hash
 */
export function parseKeys(json: string): KeyRecord[] {
  let entries: unknown;
  try {
    entries = JSON.parse(json);
  } catch {
    throw new Error('it is not JSON');
  }
  if (!Array.isArray(entries)) throw new Error('it is not a list');
  const records = entries.map(checkedRecord);
  const twice = records.find(({ id }, index) => records.findIndex((other) => other.id === id) !== index);
  if (twice !== undefined) throw new Error(`the id ${twice.id} is there twice`);
  return records;
}

function checkedRecord(entry: unknown, index: number): KeyRecord {
  const { id, sha256, role, name, team, expiresAt } = (entry ?? {}) as Record<string, unknown>;
  const fail = (what: string): never => {
    throw new Error(`entry ${index + 1}: ${what}`);
  };
  if (typeof id !== 'string' || !ID.test(id)) return fail('id must be lower-case letters and digits, at most 32');
  if (typeof sha256 !== 'string' || !SHA256.test(sha256)) return fail('sha256 must be 64 hexadecimal digits');
  if (!isRole(role)) return fail(`role must be one of ${ROLES.join(', ')}`);
  if (typeof name !== 'string' || name === '' || name.length > 100) return fail('name must be a text of at most 100 characters');
  if (team !== undefined && typeof team !== 'string') return fail('team must be a text');
  if (expiresAt !== undefined && (typeof expiresAt !== 'string' || Number.isNaN(Date.parse(expiresAt)))) return fail('expiresAt must be an RFC 3339 time');
  return { id, sha256, role, name, team, expiresAt };
}
