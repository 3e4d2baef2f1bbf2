import { query } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import { subjectKey, type History, type Judgement } from '../domain/judgement.js';
import type { WindowKey } from '../domain/windows.js';

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

export async function isJudged(manager: EntityManager, key: WindowKey): Promise<boolean> {
  const [row] = await query<{ judged: boolean }>(manager, `SELECT judgements IS NOT NULL AS judged FROM live_window WHERE ${WHERE}`, parameters(key));
  return row?.judged ?? false;
}

/** Open windows that start before, oldest first. */
export async function openWindowsUntil<C>(manager: EntityManager, { kind, model, version }: Omit<WindowKey, 'startMs'>, lastStartMs: number): Promise<StoredWindow<C>[]> {
  const rows = await query<{ start_ms: string; counts: C; events: string }>(
    manager,
    'SELECT start_ms, counts, events FROM live_window WHERE kind = $1 AND model = $2 AND version = $3 AND judgements IS NULL AND start_ms <= $4 ORDER BY start_ms',
    [kind, model, version, Math.floor(lastStartMs)],
  );
  return rows.map(({ start_ms, counts, events }) => ({ kind, model, version, startMs: Number(start_ms), counts, events: Number(events) }));
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
