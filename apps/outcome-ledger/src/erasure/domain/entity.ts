import { createHmac } from 'node:crypto';
import type { HashKey } from '../../privacy/domain/hashing.js';
import { packFeatures } from '../../domain/features-codec.js';
import type { PredictionRecord } from '../../domain/prediction.js';

/** Whose values are to be removed. */
export interface Entity {
  /** Every spelling under which its id may have been written down: as it is, and as hashes. */
  readonly forms: readonly string[];
  /** Only where it has this role; without one, in any role. */
  readonly role: string | undefined;
  /** Only in predictions of this model. */
  readonly model: string | undefined;
}

/** What stays of an erased entity: enough to recognise it, not enough to name it. */
export interface Tombstone {
  readonly keyId: string;
  readonly fingerprints: readonly string[];
  readonly role: string | undefined;
  readonly model: string | undefined;
  /** What was requested later is none of its business. */
  readonly requestedAtMs: number;
}

/** Apart from the hashes that policies make, so that a tombstone does not lead to rows. */
export const FINGERPRINT_CONTEXT = 'erasure\n';

/** HMAC-SHA256 (RFC 2104), hexadecimal; `store/proof.ts` computes the same in SQL. */
export const fingerprintOf = (key: HashKey, text: string): string => createHmac('sha256', key.secret).update(FINGERPRINT_CONTEXT + text).digest('hex');

type Subject = Pick<PredictionRecord, 'model' | 'entities' | 'routingKey'>;

/**
 * Whether a record is about the entity: it has the entity in the role (or in any, where none is asked for), or as its routing key. A routing key
 * of the same spelling does not count where the record names somebody else in that role.
 */
export function concerns(subject: Subject, { model, role }: Pick<Tombstone, 'model' | 'role'>, isEntity: (text: string) => boolean): boolean {
  if (model !== undefined && model !== subject.model) return false;
  const { entities = {}, routingKey } = subject;
  const named = role === undefined ? Object.values(entities) : Object.hasOwn(entities, role) ? [entities[role] as string] : [];
  if (named.some(isEntity)) return true;
  return routingKey !== undefined && (role === undefined || !Object.hasOwn(entities, role)) && isEntity(routingKey);
}

/** The record without anything that says whom it was about or what was known of them; numbers that statistics are made of stay. */
export function eraseRecord(record: PredictionRecord, erasedAtMs: number): PredictionRecord {
  return {
    ...record, erasedAtMs, requestId: '', routingKey: undefined, entities: undefined,
    answer: record.answer === undefined ? undefined : { ...record.answer, features: packFeatures([]), outputs: {} },
  };
}
