import { Inject, Injectable } from '@nestjs/common';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import type { EntityManager } from 'typeorm';
import { HashKeys } from '../privacy/hash-keys.js';
import type { Correlation } from '../domain/correlation.js';
import type { PredictionRecord } from '../domain/prediction.js';
import { concerns, eraseRecord, fingerprintOf, type Tombstone } from './domain/entity.js';
import { eraseOutcomesOf } from './erase-rows.js';

/** Whoever writes about predictions holds it shared; an erasure is entered while nobody does, so that none slips by. */
const LOCK_KEY = `hashtext(current_schema() || '.erasures')`;
export const ENTER_SQL = `SELECT pg_advisory_xact_lock(${LOCK_KEY})`;

/** Recognises what is taken in about entities that are to be forgotten. */
@Injectable()
export class Tombstones {
  private readonly byFingerprint = new Map<string, Tombstone[]>();
  private readonly keyIds = new Set<string>();
  private lastSeq = 0;

  constructor(
    @Inject(HashKeys) private readonly keys: HashKeys,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Sees every erasure that was entered before this transaction; later ones wait for its end. */
  async watch(manager: EntityManager): Promise<Watch> {
    await manager.query(`SELECT pg_advisory_xact_lock_shared(${LOCK_KEY})`);
    const rows: TombstoneRow[] = await manager.query(
      'SELECT seq, key_id, fingerprints, entity_role, model, requested_at FROM erasure WHERE seq > $1 ORDER BY seq', [this.lastSeq]);
    for (const row of rows) this.remember(row);
    return new Watch(this.byFingerprint, (text) => this.fingerprintsOf(text));
  }

  private remember(row: TombstoneRow): void {
    const seq = Number(row.seq);
    if (seq <= this.lastSeq) return;
    this.lastSeq = seq;
    const tombstone: Tombstone = {
      keyId: row.key_id, fingerprints: row.fingerprints, role: row.entity_role ?? undefined, model: row.model ?? undefined, requestedAtMs: row.requested_at.getTime(),
    };
    if (this.keys.byId(row.key_id) === undefined) this.logger.error({ keyId: row.key_id }, 'an erased entity cannot be recognised any more: the secret of its fingerprint is not among LEDGER_HASH_KEY');
    this.keyIds.add(row.key_id);
    for (const fingerprint of row.fingerprints) this.byFingerprint.set(fingerprint, [...(this.byFingerprint.get(fingerprint) ?? []), tombstone]);
  }

  private fingerprintsOf(text: string): string[] {
    return [...this.keyIds].flatMap((id) => {
      const key = this.keys.byId(id);
      return key === undefined ? [] : [fingerprintOf(key, text)];
    });
  }
}

/** What one transaction knows of entities that are to be forgotten. */
export class Watch {
  constructor(
    private readonly byFingerprint: ReadonlyMap<string, readonly Tombstone[]>,
    private readonly fingerprintsOf: (text: string) => string[],
  ) {}

  get isNeeded(): boolean {
    return this.byFingerprint.size > 0;
  }

  /** Records as they may be written: those about such an entity, requested before it was to be forgotten, without their values. */
  erase(records: readonly PredictionRecord[], nowMs: number): readonly PredictionRecord[] {
    if (!this.isNeeded) return records;
    return records.map((record) => (this.isErased(record) ? eraseRecord(record, nowMs) : record));
  }

  /** Whether a correlation names such an entity. */
  names({ model, entityRole, entityId }: Correlation): boolean {
    return this.isNeeded && this.of(entityId).some((stone) => (stone.role ?? entityRole) === entityRole && (stone.model ?? model) === model);
  }

  /** After outcomes were joined: what is text of those about erased predictions goes, before anybody else has seen it. */
  async cleanse(manager: EntityManager, predictionIds: readonly string[]): Promise<void> {
    if (!this.isNeeded || predictionIds.length === 0) return;
    const rows: { prediction_id: string }[] = await manager.query(
      `SELECT f.prediction_id FROM prediction_key k CROSS JOIN LATERAL (SELECT p.prediction_id, p.erased_at FROM prediction p WHERE p.prediction_id = k.prediction_id AND p.day = k.day LIMIT 1) f
       WHERE k.prediction_id = ANY($1) AND f.erased_at IS NOT NULL`, [predictionIds]);
    await eraseOutcomesOf(manager, rows.map(({ prediction_id }) => prediction_id));
  }

  private isErased(record: PredictionRecord): boolean {
    const stones = new Set([...Object.values(record.entities ?? {}), ...(record.routingKey === undefined ? [] : [record.routingKey])].flatMap((text) => this.of(text)));
    return [...stones].some((stone) => record.requestedAtMs <= stone.requestedAtMs && concerns(record, stone, (text) => this.of(text).includes(stone)));
  }

  private of(text: string): readonly Tombstone[] {
    return this.fingerprintsOf(text).flatMap((fingerprint) => this.byFingerprint.get(fingerprint) ?? []);
  }
}

interface TombstoneRow {
  readonly seq: string;
  readonly key_id: string;
  readonly fingerprints: string[];
  readonly entity_role: string | null;
  readonly model: string | null;
  readonly requested_at: Date;
}
