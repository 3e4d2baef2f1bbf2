import { query, unnestRows } from '@throughline/db';
import type { CurrentValues, EntityWindowsState, FeatureScalar } from '@throughline/features';
import type { DataSource, EntityManager } from 'typeorm';
import { entityKeyText, type EntityKey, type EntityUpdate } from '../domain/apply-events.js';

const KEY_TYPES = { view: 'text', version: 'integer', entity_id: 'text' } as const;

const toRow = ({ view, version, entityId }: EntityKey) => ({ view, version, entity_id: entityId });
const keyOfRow = (row: { view: string; version: number; entity_id: string }): string => entityKeyText({ view: row.view, version: row.version, entityId: row.entity_id });

/**
 * Reads and locks the states until the transaction ends. Rows that are not there yet are made first: two transactions about the same
 * new entity must wait for each other too.
 */
export async function lockStates(manager: EntityManager, keys: readonly EntityKey[]): Promise<Map<string, EntityWindowsState>> {
  const states = new Map<string, EntityWindowsState>();
  if (keys.length === 0) return states;
  const rows = unnestRows(KEY_TYPES, keys.map(toRow));
  await query(manager, `INSERT INTO entity_state (${rows.columns}) SELECT * FROM ${rows.from} ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING`, rows.parameters);
  const found = await query<{ view: string; version: number; entity_id: string; state: EntityWindowsState | null }>(
    manager,
    `SELECT view, version, entity_id, state FROM entity_state JOIN ${rows.from} USING (${rows.columns}) ORDER BY view, version, entity_id FOR UPDATE OF entity_state`,
    rows.parameters,
  );
  for (const row of found) if (row.state !== null) states.set(keyOfRow(row), row.state);
  return states;
}

export async function saveStates(manager: EntityManager, updates: readonly EntityUpdate[]): Promise<void> {
  if (updates.length === 0) return;
  const rows = updates.map(({ state, current, ...key }) => ({
    ...toRow(key), state, current: current.values, event_time_ms: current.eventTimeMs, sequence: current.sequence,
  }));
  // One JSON document instead of arrays of documents: quoting those costs more than all the rest.
  await query(
    manager,
    `UPDATE entity_state SET state = x.state, current = x.current, event_time_ms = x.event_time_ms, sequence = x.sequence
     FROM json_to_recordset($1::json) AS x(view text, version integer, entity_id text, state json, current json, event_time_ms bigint, sequence bigint)
     WHERE entity_state.view = x.view AND entity_state.version = x.version AND entity_state.entity_id = x.entity_id`,
    [JSON.stringify(rows)],
  );
}

/** Current values by `entityKeyText`, without any lock; absent for entities without events. */
export async function readCurrent(source: Pick<DataSource, 'query'>, keys: readonly EntityKey[]): Promise<Map<string, CurrentValues>> {
  const rows = unnestRows(KEY_TYPES, keys.map(toRow));
  const found = await query<{ view: string; version: number; entity_id: string; current: Record<string, FeatureScalar>; event_time_ms: string; sequence: string }>(
    source,
    `SELECT view, version, entity_id, current, event_time_ms, sequence FROM entity_state JOIN ${rows.from} USING (${rows.columns}) WHERE state IS NOT NULL`,
    rows.parameters,
  );
  return new Map(found.map((row) => [keyOfRow(row), { values: row.current, eventTimeMs: Number(row.event_time_ms), sequence: Number(row.sequence) }]));
}
