import { query, unnestRows } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import { always, followedBy, type Stream, type WindowLength } from '../domain/windows.js';

interface Place {
  readonly stream: Stream;
  readonly model: string;
  /** Of the window, epoch milliseconds. */
  readonly startMs: number;
}

/** Those nobody has counted yet, each once; remembers them as counted. */
export async function firstCopies<T extends { readonly predictionId: string; readonly version: string }>(
  manager: EntityManager, { stream, model, startMs }: Place, items: readonly T[],
): Promise<T[]> {
  const unique = [...new Map(items.map((item) => [item.predictionId, item])).values()];
  const rows = unnestRows(
    { kind: 'text', prediction_id: 'uuid', model: 'text', version: 'text', start_ms: 'bigint' },
    unique.map(({ predictionId, version }) => ({ kind: stream, prediction_id: predictionId, model, version, start_ms: startMs })).sort((a, b) => (a.prediction_id < b.prediction_id ? -1 : 1)),
  );
  const inserted = await query<{ prediction_id: string }>(
    manager, `INSERT INTO counted (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING RETURNING prediction_id`, rows.parameters,
  );
  const fresh = new Set(inserted.map(({ prediction_id }) => prediction_id));
  return unique.filter(({ predictionId }) => fresh.has(predictionId.toLowerCase()));
}

/** Forgets the ids of judged windows: a copy that comes later is late, whatever its id. */
export async function forgetCounted(manager: EntityManager, { stream, model, startMs }: Place): Promise<void> {
  await query(manager, 'DELETE FROM counted WHERE kind = $1 AND model = $2 AND start_ms = $3', [stream, model, startMs]);
}

/**
 * Advances event time: one for all versions of a model, so that a new champion's traffic makes the last window of the old one due. Locks the
 * row until the transaction ends, so that all who count or judge the same windows of a model take turns.
 *
 * @param lengthMs of windows that begin later
 * @returns how long the windows are
 */
export async function advanceWatermark(manager: EntityManager, stream: Stream, model: string, eventTimeMs: number, lengthMs: number): Promise<readonly WindowLength[]> {
  const [row] = await query<{ event_time_ms: string; lengths: WindowLength[] }>(
    manager,
    `INSERT INTO watermark (kind, model, event_time_ms, lengths) VALUES ($1, $2, $3, $4)
     ON CONFLICT (kind, model) DO UPDATE SET event_time_ms = greatest(watermark.event_time_ms, excluded.event_time_ms) RETURNING event_time_ms, lengths`,
    [stream, model, Math.floor(eventTimeMs), JSON.stringify(always(lengthMs))],
  );
  const { event_time_ms: watermarkMs, lengths: before } = row!;
  const lengths = followedBy(before, lengthMs, Number(watermarkMs));
  if (lengths !== before) await query(manager, 'UPDATE watermark SET lengths = $3 WHERE kind = $1 AND model = $2', [stream, model, JSON.stringify(lengths)]);
  return lengths;
}

/** Waits for its turn, see `advanceWatermark`. */
export async function lockWatermark(manager: EntityManager, stream: Stream, model: string): Promise<void> {
  await query(manager, 'SELECT 1 FROM watermark WHERE kind = $1 AND model = $2 FOR UPDATE', [stream, model]);
}

export async function countLate(manager: EntityManager, stream: Stream, model: string, late: number): Promise<void> {
  await query(manager, 'UPDATE watermark SET late = late + $3 WHERE kind = $1 AND model = $2', [stream, model, late]);
}
