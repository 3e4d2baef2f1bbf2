import { query, unnestRows } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import { subjectKey, type History, type Judgement } from '../domain/judgement.js';
import { WINDOWS_OF, type Span, type Stream, type WindowKey, type WindowKind } from '../domain/windows.js';

export interface StoredWindow<C> extends WindowKey, Span {
  readonly counts: C;
  readonly events: number;
  /** Events put in or taken out since it was judged. */
  readonly amended?: number;
}

/** Windows that the alarm rule looks back on. */
const HISTORY_WINDOWS = 10;

const parameters = ({ kind, model, version, startMs }: WindowKey): unknown[] => [kind, model, version, startMs];
const WHERE = 'kind = $1 AND model = $2 AND version = $3 AND start_ms = $4';

/** By how much a window grows, and how many of its events change; the latter is kept of windows that were judged. */
export interface Growth {
  readonly events: number;
  readonly amended?: number;
}

/** Adds to a window, or opens it. Whether it may still change is for the caller to ask first. */
export async function addToWindow<C>(manager: EntityManager, key: WindowKey & Span, { events, amended = 0 }: Growth, add: (counts: C | undefined) => C | Promise<C>): Promise<void> {
  const [row] = await query<{ counts: C }>(manager, `SELECT counts FROM live_window WHERE ${WHERE} FOR UPDATE`, parameters(key));
  const counts = JSON.stringify(await add(row?.counts));
  await query(
    manager,
    `INSERT INTO live_window (kind, model, version, start_ms, length_ms, counts, events) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (kind, model, version, start_ms) DO UPDATE SET counts = excluded.counts, events = live_window.events + excluded.events,
       amended = live_window.amended + CASE WHEN live_window.judgements IS NULL THEN 0 ELSE $8 END`,
    [...parameters(key), key.lengthMs, counts, events, amended],
  );
}

/** A window that lost all it had before anybody judged it was never one. */
export async function dropIfEmpty(manager: EntityManager, key: WindowKey): Promise<void> {
  await query(manager, `DELETE FROM live_window WHERE ${WHERE} AND events = 0 AND judgements IS NULL`, parameters(key));
}

/** Whether the windows that start then were judged, and perhaps forgotten since: nothing is added to them any more. */
export async function isClosed(manager: EntityManager, stream: Stream, model: string, startMs: number): Promise<boolean> {
  const [row] = await query<{ closed: boolean }>(
    manager,
    `SELECT EXISTS (SELECT 1 FROM live_window WHERE kind = ANY($2) AND model = $3 AND start_ms = $4 AND judgements IS NOT NULL)
         OR EXISTS (SELECT 1 FROM watermark WHERE kind = $1 AND model = $3 AND forgotten_before_ms > $4) AS closed`,
    [stream, WINDOWS_OF[stream], model, startMs],
  );
  return row!.closed;
}

export interface Progress {
  readonly model: string;
  /** Newest event time. */
  readonly watermarkMs: number;
}

/** The models with windows that are due: the newest event time has passed their end by the lateness, so that no event is expected for them any more. */
export async function modelsWithDueWindows(source: Pick<DataSource, 'query'>, stream: Stream, latenessMs: number): Promise<Progress[]> {
  const rows = await query<{ model: string; event_time_ms: string }>(
    source,
    `SELECT DISTINCT model, event_time_ms FROM watermark JOIN live_window USING (model)
     WHERE watermark.kind = $1 AND live_window.kind = ANY($2) AND judgements IS NULL AND start_ms + length_ms <= event_time_ms - $3::bigint`,
    [stream, WINDOWS_OF[stream], latenessMs],
  );
  return rows.map(({ model, event_time_ms }) => ({ model, watermarkMs: Number(event_time_ms) }));
}

/** Open windows of all versions that end no later, oldest first. */
export async function openWindowsUntil<C>(manager: EntityManager, stream: Stream, model: string, endMs: number): Promise<StoredWindow<C>[]> {
  const rows = await query<{ kind: WindowKind; version: string; start_ms: string; length_ms: string; counts: C; events: string }>(
    manager,
    `SELECT kind, version, start_ms, length_ms, counts, events FROM live_window
     WHERE kind = ANY($1) AND model = $2 AND judgements IS NULL AND start_ms + length_ms <= $3 ORDER BY start_ms, kind, version`,
    [WINDOWS_OF[stream], model, Math.floor(endMs)],
  );
  return rows.map(({ kind, version, start_ms, length_ms, counts, events }) => ({ kind, model, version, startMs: Number(start_ms), lengthMs: Number(length_ms), counts, events: Number(events) }));
}

/**
 * Forgets all but so many of the newest judged windows, and remembers that it did: what still comes for the others is late. Reports and the alarm
 * rule look back on few.
 */
export async function forgetAllBut(manager: EntityManager, stream: Stream, model: string, keptWindows: number): Promise<void> {
  await query(
    manager,
    `WITH newest_forgotten AS (
       SELECT start_ms FROM live_window WHERE kind = ANY($3) AND model = $2 AND judgements IS NOT NULL GROUP BY start_ms ORDER BY start_ms DESC LIMIT 1 OFFSET $4),
     forgotten AS (
       DELETE FROM live_window USING newest_forgotten WHERE kind = ANY($3) AND model = $2 AND judgements IS NOT NULL AND live_window.start_ms <= newest_forgotten.start_ms)
     UPDATE watermark SET forgotten_before_ms = greatest(forgotten_before_ms, start_ms + 1) FROM newest_forgotten WHERE kind = $1 AND model = $2`,
    [stream, model, WINDOWS_OF[stream], keptWindows],
  );
}

export async function saveJudgements(manager: EntityManager, key: WindowKey, judgements: readonly Judgement[]): Promise<void> {
  await query(manager, `UPDATE live_window SET judgements = $5, judged_at = clock_timestamp() WHERE ${WHERE}`, [...parameters(key), JSON.stringify(judgements)]);
}

/** What is in windows that have changed since they were last seen, in their order; `undefined` of the others. */
export async function amendedCounts(source: Pick<DataSource, 'query'>, windows: readonly StoredWindow<unknown>[]): Promise<(Pick<StoredWindow<unknown>, 'counts' | 'events' | 'amended'> | undefined)[]> {
  const rows = unnestRows({ kind: 'text', model: 'text', version: 'text', start_ms: 'bigint', place: 'int', seen: 'bigint' }, windows.map(({ kind, model, version, startMs, amended }, place) => (
    { kind, model, version, start_ms: startMs, place, seen: amended ?? 0 })));
  const changed = await query<{ place: number; counts: unknown; events: string; amended: string }>(
    source, `SELECT place, counts, events, amended FROM live_window JOIN ${rows.from} USING (kind, model, version, start_ms) WHERE amended > seen`, rows.parameters,
  );
  const byPlace = new Map(changed.map(({ place, counts, events, amended }) => [place, { counts, events: Number(events), amended: Number(amended) }]));
  return windows.map((_, place) => byPlace.get(place));
}

/** Judgements on the windows before one, by subject, oldest first. */
export async function historyBefore(manager: EntityManager, key: WindowKey): Promise<History> {
  const rows = await query<{ judgements: Judgement[] }>(
    manager,
    `SELECT judgements FROM live_window WHERE kind = $1 AND model = $2 AND version = $3 AND start_ms < $4 AND judgements IS NOT NULL ORDER BY start_ms DESC LIMIT ${HISTORY_WINDOWS}`,
    parameters(key),
  );
  const history = new Map<string, Judgement[]>();
  for (const { judgements } of rows.toReversed()) {
    for (const judgement of judgements) {
      const past = history.get(subjectKey(judgement));
      if (past === undefined) history.set(subjectKey(judgement), [judgement]);
      else past.push(judgement);
    }
  }
  return history;
}
