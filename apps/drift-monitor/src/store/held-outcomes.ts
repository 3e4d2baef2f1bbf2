import { query, unnestRows } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import type { Held } from '../domain/corrections.js';
import type { JoinedOutcome } from '../domain/quality.js';

interface Row {
  readonly prediction_id: string;
  readonly model: string;
  readonly version: string;
  readonly start_ms: string;
  /** -1: told without a number; null: counted before what was counted was kept. */
  readonly revision: number | null;
  readonly score: number | null;
  readonly outcome: number | null;
  readonly correct: boolean | null;
  /** Null where nothing was added. */
  readonly delay_seconds: number | null;
}

const COLUMNS = 'score, outcome, correct, delay_seconds';
const UNNUMBERED = -1;

/** What holds of these predictions, by id. Of one that was counted for another model, which a retry may name, nothing can be taken out here. */
export async function loadHeld(manager: EntityManager, model: string, predictionIds: Iterable<string>): Promise<Map<string, Held>> {
  const rows = await query<Row>(
    manager, `SELECT prediction_id, model, version, start_ms, revision, ${COLUMNS} FROM counted WHERE kind = 'quality' AND prediction_id = ANY($1::uuid[])`, [[...new Set(predictionIds)]],
  );
  return new Map(rows.map((row) => [row.prediction_id, row.model === model ? heldOf(row) : { ...heldOf(row), added: 'unknown' }]));
}

const heldOf = (row: Row): Held => ({
  predictionId: row.prediction_id, version: row.version, startMs: Number(row.start_ms), revision: row.revision === null || row.revision === UNNUMBERED ? undefined : row.revision,
  added: row.revision === null ? 'unknown' : row.delay_seconds === null ? 'nothing' : outcomeOf(row),
});

/** Text is kept nowhere: nothing is computed from it. */
const outcomeOf = ({ score, outcome, correct, delay_seconds: delaySeconds }: Row): JoinedOutcome => ({
  score: score ?? undefined, outcome: outcome ?? '', correct: correct ?? undefined, delaySeconds: delaySeconds as number,
});

export async function saveHeld(manager: EntityManager, model: string, held: readonly Held[]): Promise<void> {
  const rows = unnestRows(
    { kind: 'text', prediction_id: 'uuid', model: 'text', version: 'text', start_ms: 'bigint', revision: 'int', score: 'float8', outcome: 'float8', correct: 'boolean', delay_seconds: 'float8' },
    held.map(({ predictionId, version, startMs, revision = UNNUMBERED, added }) => ({
      kind: 'quality', prediction_id: predictionId, model, version, start_ms: startMs, revision, ...columnsOf(typeof added === 'string' ? undefined : added),
    })),
  );
  await query(
    manager,
    `INSERT INTO counted (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT (kind, prediction_id) DO UPDATE SET model = excluded.model, version = excluded.version, start_ms = excluded.start_ms,
       revision = excluded.revision, score = excluded.score, outcome = excluded.outcome, correct = excluded.correct, delay_seconds = excluded.delay_seconds`,
    rows.parameters,
  );
}

const columnsOf = (added: JoinedOutcome | undefined): Pick<Row, 'score' | 'outcome' | 'correct'> & { delay_seconds: number | null } => ({
  score: added?.score ?? null, outcome: added === undefined || typeof added.outcome === 'string' ? null : Number(added.outcome), correct: added?.correct ?? null, delay_seconds: added?.delaySeconds ?? null,
});

/** All that is in a window, to count it anew; `undefined` where of some it is not known what they had added. */
export async function outcomesIn(manager: EntityManager, model: string, version: string, startMs: number): Promise<JoinedOutcome[] | undefined> {
  const rows = await query<Row>(manager, `SELECT revision, ${COLUMNS} FROM counted WHERE kind = 'quality' AND model = $1 AND version = $2 AND start_ms = $3`, [model, version, startMs]);
  if (rows.some(({ revision }) => revision === null)) return undefined;
  return rows.filter((row) => row.delay_seconds !== null).map(outcomeOf);
}

/**
 * Closes the oldest judged windows of a model for good, so that no more than so many of its outcomes are held beside those of open windows. Nothing in them changes any
 * more.
 */
export async function closeForGood(manager: EntityManager, model: string, heldOutcomes: number): Promise<void> {
  await query(
    manager,
    `WITH held AS (
       SELECT start_ms, sum(count(*)) OVER (ORDER BY start_ms DESC) AS outcomes FROM counted
       WHERE kind = 'quality' AND model = $1 AND start_ms <= (SELECT max(start_ms) FROM live_window WHERE kind = 'quality' AND model = $1 AND judgements IS NOT NULL) GROUP BY start_ms)
     UPDATE watermark SET closed_before_ms = greatest(closed_before_ms, forgotten_before_ms, (SELECT max(start_ms) + 1 FROM held WHERE outcomes > $2)) WHERE kind = 'quality' AND model = $1`,
    [model, heldOutcomes],
  );
  await query(
    manager, `DELETE FROM counted USING watermark WHERE counted.kind = 'quality' AND counted.model = $1 AND watermark.kind = 'quality' AND watermark.model = $1 AND start_ms < closed_before_ms`, [model],
  );
}

/**
 * How far windows are closed for good, epoch milliseconds. The caller has locked the model's watermark.
 *
 * An instance of the release before, beside this one, holds nothing of a window that it judges, and does not say so: a judged window with outcomes of which none is held is closed.
 */
export async function closedBefore(manager: EntityManager, model: string): Promise<number> {
  const [row] = await query<{ closed: string | null }>(
    manager, `SELECT greatest(closed_before_ms, forgotten_before_ms, (
       SELECT max(start_ms) + 1 FROM live_window w
       WHERE kind = 'quality' AND model = $1 AND judgements IS NOT NULL AND events > 0 AND start_ms >= coalesce(greatest(closed_before_ms, forgotten_before_ms), start_ms)
         AND NOT EXISTS (SELECT FROM counted c WHERE c.kind = 'quality' AND c.model = $1 AND c.version = w.version AND c.start_ms = w.start_ms))) AS closed
     FROM watermark WHERE kind = 'quality' AND model = $1`, [model],
  );
  return row === undefined || row.closed === null ? -Infinity : Number(row.closed);
}
