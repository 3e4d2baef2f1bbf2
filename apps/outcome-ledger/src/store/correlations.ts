import type { EntityManager } from 'typeorm';
import { bookedOutcome, enterInBooks } from '../books/entries.js';
import { retryDelayMs, type Correlation } from '../domain/correlation.js';
import type { OutcomeRecord } from '../domain/outcome.js';
import { outcomeOfRow, type OutcomeRow } from './outcome-rows.js';
import { insertRows, recordset, rowsParameter, timestamp } from './rows.js';

const CORRELATION_COLUMNS = {
  correlation_id: 'uuid', model: 'text', entity_role: 'text', entity_id: 'text', window_from: 'timestamptz', window_to: 'timestamptz', next_look_at: 'timestamptz',
} as const;
const LOOKUP_COLUMNS = { correlation_id: 'uuid', model: 'text', entities: 'jsonb', window_from: 'timestamptz', window_to: 'timestamptz', truth_at: 'timestamptz' } as const;

/** Looked at once a sweep; the rest waits for the next. */
const MAX_CLAIMED = 500;

/**
 * Of the predictions of this entity in the window: the last one before the truth, else the first one after it. Requests that were
 * rejected are no candidates.
 */
const LOOKUP = `SELECT r.correlation_id, f.prediction_id FROM ${recordset(1, LOOKUP_COLUMNS)} CROSS JOIN LATERAL (
  SELECT p.prediction_id FROM prediction p
  WHERE p.model = r.model AND p.entities @> r.entities AND p.occurred_at BETWEEN r.window_from AND r.window_to AND p.state <> 'rejected'
  ORDER BY p.occurred_at > r.truth_at, abs(extract(epoch FROM p.occurred_at - r.truth_at)), p.prediction_id LIMIT 1) f`;

type Sought = Correlation & { readonly truthAtMs: number };

export interface Resolutions {
  readonly known: ReadonlyMap<string, string>;
  readonly justFound: ReadonlyMap<string, string>;
}

/**
 * Remembers and locks correlations, and looks for predictions of those that have none yet.
 *
 * @param truthAtMs by correlation id: when the outcome became true
 * @returns prediction ids by correlation id: those found before, and those found now, whose waiting outcomes are to be released
 */
export async function lockCorrelations(manager: EntityManager, correlations: readonly Correlation[], truthAtMs: ReadonlyMap<string, number>, nowMs: number): Promise<Resolutions> {
  if (correlations.length === 0) return { known: new Map(), justFound: new Map() };
  const distinct = [...new Map(correlations.map((one) => [one.correlationId, one])).values()];
  const rows = distinct.map((one) => ({
    correlation_id: one.correlationId, model: one.model, entity_role: one.entityRole, entity_id: one.entityId,
    window_from: timestamp(one.fromMs), window_to: timestamp(one.toMs), next_look_at: timestamp(nowMs + retryDelayMs(0)),
  }));
  await insertRows(manager, 'correlation', CORRELATION_COLUMNS, rows, 'ON CONFLICT DO NOTHING', 'ORDER BY correlation_id');
  const locked: { correlation_id: string; prediction_id: string | null }[] = await manager.query(
    `SELECT correlation_id, prediction_id FROM correlation WHERE correlation_id = ANY($1) ORDER BY correlation_id FOR UPDATE`, [distinct.map(({ correlationId }) => correlationId)]);
  const known = new Map(locked.flatMap(({ correlation_id, prediction_id }) => (prediction_id === null ? [] : [[correlation_id, prediction_id] as const])));
  const sought = distinct.filter(({ correlationId }) => !known.has(correlationId)).map((one) => ({ ...one, truthAtMs: truthAtMs.get(one.correlationId) ?? one.toMs }));
  return { known, justFound: await find(manager, sought) };
}

/** Locks correlations whose time to look again has come, and looks. Those without a prediction are put off, longer each time. */
export async function claimCorrelations(manager: EntityManager, nowMs: number): Promise<Map<string, string>> {
  const rows: ClaimedRow[] = await manager.query(
    `WITH due AS (
       SELECT correlation_id FROM correlation WHERE prediction_id IS NULL AND next_look_at <= $1 ORDER BY correlation_id LIMIT ${MAX_CLAIMED} FOR UPDATE SKIP LOCKED)
     SELECT c.*, COALESCE((SELECT max(o.occurred_at) FROM outcome o WHERE o.subject_id = c.correlation_id), c.window_to) AS truth_at
     FROM correlation c JOIN due USING (correlation_id)`, [timestamp(nowMs)]);
  const found = await find(manager, rows.map(soughtOfRow));
  const putOff = rows.filter(({ correlation_id }) => !found.has(correlation_id));
  if (putOff.length > 0) {
    await manager.query(
      `UPDATE correlation c SET attempts = r.attempts, next_look_at = r.next_look_at
       FROM ${recordset(1, { correlation_id: 'uuid', attempts: 'integer', next_look_at: 'timestamptz' })} WHERE c.correlation_id = r.correlation_id`,
      [rowsParameter(putOff.map(({ correlation_id, attempts }) => ({ correlation_id, attempts: attempts + 1, next_look_at: timestamp(nowMs + retryDelayMs(attempts + 1)) })))]);
  }
  return found;
}

/** Takes outcomes out of the care of their correlation; they come back under their prediction. */
export async function releaseOutcomes(manager: EntityManager, found: ReadonlyMap<string, string>): Promise<OutcomeRecord[]> {
  if (found.size === 0) return [];
  const [rows]: [OutcomeRow[], number] = await manager.query(`DELETE FROM outcome WHERE subject_id = ANY($1) RETURNING *`, [[...found.keys()]]);
  const released = rows.map(outcomeOfRow);
  await enterInBooks(manager, { removed: released.map(bookedOutcome) });
  return released.map((outcome) => ({ ...outcome, subjectId: found.get(outcome.subjectId) as string }));
}

async function find(manager: EntityManager, sought: readonly Sought[]): Promise<Map<string, string>> {
  if (sought.length === 0) return new Map();
  const rows = sought.map((one) => ({
    correlation_id: one.correlationId, model: one.model, entities: { [one.entityRole]: one.entityId },
    window_from: timestamp(one.fromMs), window_to: timestamp(one.toMs), truth_at: timestamp(one.truthAtMs),
  }));
  const found: { correlation_id: string; prediction_id: string }[] = await manager.query(LOOKUP, [rowsParameter(rows)]);
  if (found.length > 0) {
    await manager.query(
      `UPDATE correlation c SET prediction_id = r.prediction_id FROM ${recordset(1, { correlation_id: 'uuid', prediction_id: 'uuid' })} WHERE c.correlation_id = r.correlation_id`,
      [rowsParameter(found)]);
  }
  return new Map(found.map(({ correlation_id, prediction_id }) => [correlation_id, prediction_id]));
}

interface ClaimedRow {
  readonly correlation_id: string;
  readonly model: string;
  readonly entity_role: string;
  readonly entity_id: string;
  readonly window_from: Date;
  readonly window_to: Date;
  readonly attempts: number;
  readonly truth_at: Date;
}

const soughtOfRow = (row: ClaimedRow): Sought => ({
  correlationId: row.correlation_id, model: row.model, entityRole: row.entity_role, entityId: row.entity_id,
  fromMs: row.window_from.getTime(), toMs: row.window_to.getTime(), truthAtMs: row.truth_at.getTime(),
});
