import { query, unnestRows } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import type { Arm } from '../domain/evidence.js';
import { isKept, shortId, type Contribution, type Held, type Settled, type Unkept, type Word } from './words.js';

interface Row {
  readonly id: string;
  /** `none`: the word that holds adds nothing. */
  readonly stream: Contribution['stream'] | 'none';
  readonly rollout_id: string;
  /** Only of what was counted before what was added was kept. */
  readonly outcome: number | null;
  readonly revision: number | null;
  readonly step: number | null;
  readonly arm: Arm | null;
  readonly cluster: number | null;
  readonly amounts: Contribution['amounts'] | null;
}

const NO_ROLLOUT = '00000000-0000-0000-0000-000000000000';
const TYPES = { stream: 'text', rollout_id: 'uuid', id: 'bigint', revision: 'int', step: 'int', arm: 'text', cluster: 'smallint', amounts: 'jsonb' };

/**
 * What is remembered of these predictions, by `shortId`. Until the transaction ends nobody else counts outcomes: words on one prediction may stand in two partitions, of a
 * topic that was given more.
 */
export async function loadHeld(manager: EntityManager, words: readonly Word[]): Promise<Map<bigint, Held>> {
  await query(manager, `SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.rollout_outcomes'))`);
  const ids = [...new Set(words.map(({ predictionId }) => shortId(predictionId)))].map(String);
  const rows = await query<Row>(
    manager, 'SELECT id, stream, rollout_id, outcome, revision, step, arm, cluster, amounts FROM rollout_outcomes WHERE id = ANY($1::bigint[]) ORDER BY position', [ids],
  );
  return new Map([...Map.groupBy(rows, ({ id }) => BigInt(id))].map(([id, own]) => [id, { revision: own[0]!.revision ?? undefined, added: own.flatMap(addedBy) }]));
}

function addedBy({ stream, rollout_id: rolloutId, outcome, step, arm, cluster, amounts }: Row): (Contribution | Unkept)[] {
  if (stream === 'none') return [];
  if (amounts === null || step === null || arm === null || cluster === null) return [{ stream, rolloutId, outcome: outcome ?? undefined }];
  return [{ stream, rolloutId, step, arm, cluster, amounts }];
}

/** @param known what `loadHeld` found */
export async function saveHeld(manager: EntityManager, held: Settled['held'], known: ReadonlyMap<bigint, Held>): Promise<void> {
  const replaced = [...held.keys()].filter((id) => known.has(id)).map(String);
  if (replaced.length > 0) await query(manager, 'DELETE FROM rollout_outcomes WHERE id = ANY($1::bigint[])', [replaced]);
  const rows = unnestRows(TYPES, [...held].flatMap(([id, one]) => rowsOf(id, one)));
  await query(manager, `INSERT INTO rollout_outcomes (${rows.columns}) SELECT * FROM ${rows.from}`, rows.parameters);
}

function rowsOf(id: bigint, { revision = null, added }: { readonly revision?: number | null | undefined; readonly added: Held['added'] }): Record<keyof typeof TYPES, unknown>[] {
  const rows = added.filter(isKept).map(({ stream, rolloutId, step, arm, cluster, amounts }) => (
    { stream, rollout_id: rolloutId, id: String(id), revision, step, arm, cluster, amounts: JSON.stringify(amounts) }));
  return rows.length > 0 ? rows : [{ stream: 'none', rollout_id: NO_ROLLOUT, id: String(id), revision, step: null, arm: null, cluster: null, amounts: null }];
}
