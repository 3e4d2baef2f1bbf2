import { query, unnestRows } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import type { WindowKey, WindowKind } from '../domain/windows.js';

/** Those nobody has counted yet, each once; remembers them as counted. */
export async function firstCopies<T extends { readonly predictionId: string }>(
  manager: EntityManager, { kind, model, version, startMs }: WindowKey, items: readonly T[],
): Promise<T[]> {
  const unique = [...new Map(items.map((item) => [item.predictionId, item])).values()];
  const rows = unnestRows(
    { kind: 'text', prediction_id: 'uuid', model: 'text', version: 'text', start_ms: 'bigint' },
    unique.map(({ predictionId }) => ({ kind, prediction_id: predictionId, model, version, start_ms: startMs })).sort((a, b) => (a.prediction_id < b.prediction_id ? -1 : 1)),
  );
  const inserted = await query<{ prediction_id: string }>(
    manager, `INSERT INTO counted (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING RETURNING prediction_id`, rows.parameters,
  );
  const fresh = new Set(inserted.map(({ prediction_id }) => prediction_id));
  return unique.filter(({ predictionId }) => fresh.has(predictionId.toLowerCase()));
}

/** Forgets the ids of a judged window: a copy that comes later is late, whatever its id. */
export async function forgetCounted(manager: EntityManager, { kind, model, version, startMs }: WindowKey): Promise<void> {
  await query(manager, 'DELETE FROM counted WHERE kind = $1 AND model = $2 AND version = $3 AND start_ms = $4', [kind, model, version, startMs]);
}

/**
 * Advances event time and returns how far it has come. Locks the row until the transaction ends, so that all who count for the same version and
 * kind take turns.
 */
export async function advanceWatermark(manager: EntityManager, kind: WindowKind, model: string, version: string, eventTimeMs: number): Promise<number> {
  const [row] = await query<{ event_time_ms: string }>(
    manager,
    `INSERT INTO watermark (kind, model, version, event_time_ms) VALUES ($1, $2, $3, $4)
     ON CONFLICT (kind, model, version) DO UPDATE SET event_time_ms = greatest(watermark.event_time_ms, excluded.event_time_ms) RETURNING event_time_ms`,
    [kind, model, version, Math.floor(eventTimeMs)],
  );
  return Number(row!.event_time_ms);
}

export async function countLate(manager: EntityManager, kind: WindowKind, model: string, version: string, late: number): Promise<void> {
  await query(manager, 'UPDATE watermark SET late = late + $4 WHERE kind = $1 AND model = $2 AND version = $3', [kind, model, version, late]);
}
