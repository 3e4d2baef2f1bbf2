import { createHmac } from 'node:crypto';

/** A secret to hash with, and a name for it that says nothing about it. */
export interface HashKey {
  readonly id: string;
  readonly secret: Buffer;
}

/** So that whoever meets one sees that it is a hash. */
const PREFIX = 'hmac:';
/** Of the 32: equal values stay equal, and among a billion others two are the same with a chance of 10^-21. */
const HASH_BYTES = 16;
const ID_BYTES = 4;

export const hashKeyOf = (secret: Buffer): HashKey => ({ id: createHmac('sha256', secret).update('throughline key id').digest('hex').slice(0, 2 * ID_BYTES), secret });

/**
 * HMAC-SHA256 (RFC 2104) of a value as text, truncated to 128 bits. The same for every field and model, so that an entity is found again wherever it
 * stands, also as a routing key.
 */
export const hashOf = (key: HashKey, text: string): string => PREFIX + createHmac('sha256', key.secret).update(text).digest().subarray(0, HASH_BYTES).toString('base64url');

/** Whether a stored value is a hash of what was sent. */
export const isHash = (value: unknown): value is string => typeof value === 'string' && /^hmac:[\w-]{22}$/.test(value);
