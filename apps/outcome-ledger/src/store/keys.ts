import type { EntityManager } from 'typeorm';
import type { Admission, PredictionKey } from '../domain/admission.js';
import { revisionOf, type JoinedRef } from '../domain/joining.js';
import { insertRows, recordset, rowsParameter } from './rows.js';

const KEY_COLUMNS = { prediction_id: 'uuid', state: 'text', day: 'date', attempt: 'bigint' } as const;

/*
 * The one place of locks. Every transaction first inserts keys (sorted), then locks those that were there (sorted). Whoever inserts waits
 * only for keys that another transaction holds further on in the same order, and whoever locks waits only for keys that were
 * committed before; so transactions never wait in a circle, and whichever side of a join comes second sees what the first has committed.
 */

/** Inserts the keys that are not there; the ids of those that are new. */
async function insertKeys(manager: EntityManager, keys: readonly PredictionKey[]): Promise<Set<string>> {
  const rows = keys.map(toRow);
  const inserted = await insertRows<{ prediction_id: string }>(manager, 'prediction_key', KEY_COLUMNS, rows, 'ON CONFLICT DO NOTHING RETURNING prediction_id', 'ORDER BY prediction_id');
  return new Set(inserted.map((row) => row.prediction_id));
}

export interface HeldKeys {
  /** Of keys that were not there before. */
  readonly fresh: ReadonlySet<string>;
  /** Keys that were there. */
  readonly locked: ReadonlyMap<string, PredictionKey>;
}

/** Inserts keys, or locks those that are there. One that retention takes away in between, its lock waited for in vain, is inserted after all. */
export async function holdKeys(manager: EntityManager, keys: readonly PredictionKey[]): Promise<HeldKeys> {
  const fresh = new Set<string>();
  const locked = new Map<string, PredictionKey>();
  for (let missing = keys; missing.length > 0; missing = missing.filter(({ predictionId }) => !fresh.has(predictionId) && !locked.has(predictionId))) {
    for (const id of await insertKeys(manager, missing)) fresh.add(id);
    const known = missing.flatMap(({ predictionId }) => (fresh.has(predictionId) ? [] : [predictionId]));
    for (const [id, key] of await lockKeys(manager, known)) locked.set(id, key);
  }
  return { fresh, locked };
}

/** Takes keys away that this transaction has inserted: they have served as locks. */
export async function removeKeys(manager: EntityManager, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await manager.query(`DELETE FROM prediction_key WHERE prediction_id = ANY($1)`, [ids]);
}

/** Locks keys until the transaction ends. */
export async function lockKeys(manager: EntityManager, ids: readonly string[]): Promise<Map<string, PredictionKey>> {
  if (ids.length === 0) return new Map();
  const rows: { prediction_id: string; state: PredictionKey['state']; day: string | null; attempt: string; told_revision: number | null }[] = await manager.query(
    `SELECT prediction_id, state, day::text, attempt, told_revision FROM prediction_key WHERE prediction_id = ANY($1) ORDER BY prediction_id FOR UPDATE`, [ids]);
  return new Map(rows.map(({ prediction_id, state, day, attempt, told_revision }) => [
    prediction_id, { predictionId: prediction_id, state, day: day ?? undefined, attempt: Number(attempt), toldRevision: told_revision ?? undefined },
  ]));
}

/** Writes the outcome of an admission into keys that were there before. */
export async function updateKeys(manager: EntityManager, admissions: readonly Admission[]): Promise<void> {
  if (admissions.length === 0) return;
  await manager.query(
    `UPDATE prediction_key k SET state = r.state, day = r.day, attempt = r.attempt FROM ${recordset(1, KEY_COLUMNS)} WHERE k.prediction_id = r.prediction_id`,
    [rowsParameter(admissions.map(({ record }) => toRow(record)))],
  );
}

/** Keeps how far the words on these predictions were numbered, whose joins go: another one may not follow now, and will have to go on from there. */
export async function keepToldRevisions(manager: EntityManager, told: ReadonlyMap<string, JoinedRef>): Promise<void> {
  if (told.size === 0) return;
  await manager.query(
    `UPDATE prediction_key k SET told_revision = r.told_revision FROM ${recordset(1, { prediction_id: 'uuid', told_revision: 'integer' })} WHERE k.prediction_id = r.prediction_id`,
    [rowsParameter([...told].map(([predictionId, ref]) => ({ prediction_id: predictionId, told_revision: revisionOf(ref) })))],
  );
}

const toRow = ({ predictionId, state, day, attempt }: PredictionKey): object => ({ prediction_id: predictionId, state, day, attempt });
