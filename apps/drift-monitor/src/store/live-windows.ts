import { query } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import { subjectKey, type History, type Judgement } from '../domain/judgement.js';
import { WINDOWS_OF, type Stream, type WindowKey, type WindowKind } from '../domain/windows.js';

export interface StoredWindow<C> extends WindowKey {
  readonly counts: C;
  readonly events: number;
}

/** Windows that the alarm rule looks back on. */
const HISTORY_WINDOWS = 10;

const parameters = ({ kind, model, version, startMs }: WindowKey): unknown[] => [kind, model, version, startMs];
const WHERE = 'kind = $1 AND model = $2 AND version = $3 AND start_ms = $4';

/** Adds to a window that is open, or opens it. Whether it was judged already is for the caller to ask first. */
export async function addToWindow<C>(manager: EntityManager, key: WindowKey, lengthMs: number, events: number, add: (counts: C | undefined) => C): Promise<void> {
  const [row] = await query<{ counts: C }>(manager, `SELECT counts FROM live_window WHERE ${WHERE} FOR UPDATE`, parameters(key));
  const counts = JSON.stringify(add(row?.counts));
  await query(
    manager,
    `INSERT INTO live_window (kind, model, version, start_ms, length_ms, counts, events) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (kind, model, version, start_ms) DO UPDATE SET counts = excluded.counts, events = live_window.events + excluded.events`,
    [...parameters(key), lengthMs, counts, events],
  );
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
  readonly oldestOpenStartMs: number;
}

/** How far the models with open windows have come. */
export async function progressOf(source: Pick<DataSource, 'query'>, stream: Stream): Promise<Progress[]> {
  const rows = await query<{ model: string; event_time_ms: string; oldest: string }>(
    source,
    `SELECT model, event_time_ms, min(start_ms) AS oldest FROM watermark JOIN live_window USING (model)
     WHERE watermark.kind = $1 AND live_window.kind = ANY($2) AND judgements IS NULL GROUP BY model, event_time_ms`,
    [stream, WINDOWS_OF[stream]],
  );
  return rows.map(({ model, event_time_ms, oldest }) => ({ model, watermarkMs: Number(event_time_ms), oldestOpenStartMs: Number(oldest) }));
}

/** Open windows of all versions that start no later, oldest first. */
export async function openWindowsUntil<C>(manager: EntityManager, stream: Stream, model: string, lastStartMs: number): Promise<StoredWindow<C>[]> {
  const rows = await query<{ kind: WindowKind; version: string; start_ms: string; counts: C; events: string }>(
    manager,
    'SELECT kind, version, start_ms, counts, events FROM live_window WHERE kind = ANY($1) AND model = $2 AND judgements IS NULL AND start_ms <= $3 ORDER BY start_ms, kind, version',
    [WINDOWS_OF[stream], model, Math.floor(lastStartMs)],
  );
  return rows.map(({ kind, version, start_ms, counts, events }) => ({ kind, model, version, startMs: Number(start_ms), counts, events: Number(events) }));
}

/**
 * Forgets judged windows that start before, and remembers that it did: what still comes for them is late. Reports and the alarm rule look back
 * on few.
 */
export async function forgetWindowsBefore(manager: EntityManager, stream: Stream, model: string, startMs: number): Promise<void> {
  await query(
    manager,
    `WITH forgotten AS (DELETE FROM live_window WHERE kind = ANY($4) AND model = $2 AND judgements IS NOT NULL AND start_ms < $3 RETURNING 1)
     UPDATE watermark SET forgotten_before_ms = greatest(forgotten_before_ms, $3) WHERE kind = $1 AND model = $2 AND EXISTS (SELECT 1 FROM forgotten)`,
    [stream, model, Math.floor(startMs), WINDOWS_OF[stream]],
  );
}

export async function saveJudgements(manager: EntityManager, key: WindowKey, judgements: readonly Judgement[]): Promise<void> {
  await query(manager, `UPDATE live_window SET judgements = $5, judged_at = clock_timestamp() WHERE ${WHERE}`, [...parameters(key), JSON.stringify(judgements)]);
}

/** Verdicts of the judged windows before one, by subject, oldest first. */
export async function historyBefore(manager: EntityManager, key: WindowKey): Promise<History> {
  const rows = await query<{ judgements: Judgement[] }>(
    manager,
    `SELECT judgements FROM live_window WHERE kind = $1 AND model = $2 AND version = $3 AND start_ms < $4 AND judgements IS NOT NULL ORDER BY start_ms DESC LIMIT ${HISTORY_WINDOWS}`,
    parameters(key),
  );
  const history = new Map<string, Judgement['verdict'][]>();
  for (const { judgements } of rows.toReversed()) {
    for (const judgement of judgements) {
      const verdicts = history.get(subjectKey(judgement));
      if (verdicts === undefined) history.set(subjectKey(judgement), [judgement.verdict]);
      else verdicts.push(judgement.verdict);
    }
  }
  return history;
}
