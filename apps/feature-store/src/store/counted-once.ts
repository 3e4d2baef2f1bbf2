import { hash } from 'node:crypto';
import { query, unnestRows } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import type { Progress } from '../domain/progress.js';

/** Reads a partition's progress and locks it: whoever else has the partition by mistake waits, and then finds its messages applied. */
export async function lockProgress(manager: EntityManager, partition: number): Promise<Progress> {
  await query(manager, 'INSERT INTO partition_progress (partition, next_offset, last_timestamp_ms) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING', [partition]);
  const [row] = await query<{ next_offset: string; last_timestamp_ms: string }>(
    manager, 'SELECT next_offset, last_timestamp_ms FROM partition_progress WHERE partition = $1 FOR UPDATE', [partition],
  );
  return { nextOffset: BigInt(row!.next_offset), lastTimestampMs: Number(row!.last_timestamp_ms) };
}

export async function saveProgress(manager: EntityManager, partition: number, { nextOffset, lastTimestampMs }: Progress): Promise<void> {
  await query(manager, 'UPDATE partition_progress SET next_offset = $2, last_timestamp_ms = $3 WHERE partition = $1', [partition, nextOffset.toString(), lastTimestampMs]);
}

interface Identified {
  readonly source: string;
  readonly id: string;
}

/** The events that nobody has counted yet, each once; remembers them as counted. */
export async function firstCopies<E extends Identified>(manager: EntityManager, events: readonly E[]): Promise<E[]> {
  if (events.length === 0) return [];
  const ids = events.map(({ source, id }) => hash('md5', `${source}\n${id}`));
  const rows = unnestRows({ id: 'uuid' }, [...new Set(ids)].sort().map((id) => ({ id })));
  const inserted = await query<{ id: string }>(manager, `INSERT INTO seen_event (id) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING RETURNING id`, rows.parameters);
  const fresh = new Set(inserted.map(({ id }) => id.replaceAll('-', '')));
  return events.filter((_, index) => fresh.delete(ids[index]!));
}

/**
 * Forgets ids that were counted longer ago than the newest by `minutes`; relative to the newest, so that a service that slept forgets
 * nothing it has not had the time to see again.
 *
 * @returns how many were forgotten; call again while there are any
 */
export async function forgetSeen(source: Parameters<typeof query>[0], minutes: number): Promise<number> {
  const [row] = await query<{ forgotten: number }>(
    source,
    `WITH old AS (
       SELECT id FROM seen_event WHERE seen_at < (SELECT max(seen_at) FROM seen_event) - make_interval(mins => $1) ORDER BY seen_at LIMIT 20000),
     forgotten AS (DELETE FROM seen_event USING old WHERE seen_event.id = old.id RETURNING 1)
     SELECT count(*)::int AS forgotten FROM forgotten`,
    [minutes],
  );
  return row!.forgotten;
}
