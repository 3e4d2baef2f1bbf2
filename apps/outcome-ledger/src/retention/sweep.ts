import { inTransaction, query } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import { enterInBooks } from '../books/entries.js';
import { countOf } from '../domain/tally.js';
import { lockKeys } from '../store/keys.js';
import { timestamp } from '../store/rows.js';
import { addToTally } from '../store/tally.js';

/** One turn reads so many pages of a table (8 KiB each) and locks what it deletes there. */
const PAGES = 200;

export interface Swept {
  readonly keys: number;
  readonly outcomes: number;
  readonly correlations: number;
  /** Of the outcomes, those whose prediction was never seen. */
  readonly unmatched: number;
}

export interface SweepLimits {
  /** Keys of earlier days are forgotten, and their outcomes. `YYYY-MM-DD`. */
  readonly oldestDayKnown: string;
  /** Outcomes without a prediction that were written down earlier are forgotten. Epoch milliseconds. */
  readonly oldestUnmatchedMs: number;
}

/**
 * Forgets what is left of predictions that were dropped long ago, and outcomes whose prediction never came. Reads the narrow tables from end to end,
 * in bounded turns of a transaction each, so that nobody waits for long and no index is needed for it; interrupted, it begins again.
 *
 * @param goesOn asked between turns
 */
export async function sweep(dataSource: DataSource, limits: SweepLimits, goesOn: () => boolean): Promise<Swept> {
  let swept: Swept = { keys: 0, outcomes: 0, correlations: 0, unmatched: 0 };
  const turns: [string, (manager: EntityManager, range: string) => Promise<Partial<Swept>>][] = [
    ...(await partitionsOf(dataSource, 'prediction_key')).map((table): [string, (manager: EntityManager, range: string) => Promise<Partial<Swept>>] => [table, (manager, range) => forgetKeys(manager, table, range, limits)]),
    ['outcome', (manager, range) => forgetUnmatched(manager, range, limits)],
    ['correlation', (manager, range) => forgetCorrelations(manager, range, limits)],
  ];
  for (const [table, turn] of turns) {
    const pages = await pagesOf(dataSource, table);
    for (let first = 0; first < pages && goesOn(); first += PAGES) swept = sum(swept, await inTransaction(dataSource, (manager) => turn(manager, tidRange(first))));
  }
  return swept;
}

const tidRange = (first: number): string => `ctid >= '(${first},0)'::tid AND ctid < '(${first + PAGES},0)'::tid`;

async function forgetKeys(manager: EntityManager, table: string, range: string, { oldestDayKnown }: SweepLimits): Promise<Partial<Swept>> {
  const candidates: { prediction_id: string }[] = await manager.query(`SELECT prediction_id FROM ${table} WHERE ${range} AND day < $1`, [oldestDayKnown]);
  const locked = await lockKeys(manager, candidates.map(({ prediction_id }) => prediction_id));
  const ids = [...locked.values()].filter(({ day }) => day !== undefined && day < oldestDayKnown).map(({ predictionId }) => predictionId);
  if (ids.length === 0) return {};
  const outcomes = await removeOutcomes(manager, ids);
  return { keys: await remove(manager, 'prediction_key', 'prediction_id = ANY($1)', [ids]), outcomes };
}

/** Only where everything that was said is old: a newer statement keeps the others. */
async function forgetUnmatched(manager: EntityManager, range: string, { oldestUnmatchedMs }: SweepLimits): Promise<Partial<Swept>> {
  const before = timestamp(oldestUnmatchedMs);
  const candidates: { subject_id: string }[] = await manager.query(`SELECT DISTINCT subject_id FROM outcome WHERE ${range} AND recorded_at < $1`, [before]);
  const locked = await lockKeys(manager, candidates.map(({ subject_id }) => subject_id));
  const awaited = [...locked.values()].filter(({ state }) => state === 'awaited').map(({ predictionId }) => predictionId);
  const ids = await allOlder(manager, awaited, before);
  if (ids.length === 0) return {};
  const outcomes = await removeOutcomes(manager, ids);
  const keys = await remove(manager, 'prediction_key', 'prediction_id = ANY($1)', [ids]);
  await addToTally(manager, [countOf('unmatched', -outcomes), countOf('outcomes_expired', outcomes)]);
  return { keys, outcomes, unmatched: outcomes };
}

/** Those that never found their prediction, when all that waits for them is old; those that did, when the prediction is forgotten. */
async function forgetCorrelations(manager: EntityManager, range: string, { oldestUnmatchedMs }: SweepLimits): Promise<Partial<Swept>> {
  const rows: { correlation_id: string; prediction_id: string | null }[] = await manager.query(
    `SELECT correlation_id, prediction_id FROM correlation c WHERE ${range} AND (prediction_id IS NULL OR NOT EXISTS (SELECT FROM prediction_key k WHERE k.prediction_id = c.prediction_id))
     ORDER BY correlation_id FOR UPDATE SKIP LOCKED`);
  const unresolved = await allOlder(manager, rows.filter(({ prediction_id }) => prediction_id === null).map(({ correlation_id }) => correlation_id), timestamp(oldestUnmatchedMs));
  const ids = [...unresolved, ...rows.filter(({ prediction_id }) => prediction_id !== null).map(({ correlation_id }) => correlation_id)];
  if (ids.length === 0) return {};
  const outcomes = await removeOutcomes(manager, ids);
  const correlations = await remove(manager, 'correlation', 'correlation_id = ANY($1)', [ids]);
  if (outcomes > 0) await addToTally(manager, [countOf('unmatched', -outcomes), countOf('outcomes_expired', outcomes)]);
  return { correlations, outcomes, unmatched: outcomes };
}

async function allOlder(manager: EntityManager, subjectIds: readonly string[], before: string): Promise<string[]> {
  if (subjectIds.length === 0) return [];
  const rows: { subject_id: string }[] = await manager.query('SELECT subject_id FROM outcome WHERE subject_id = ANY($1) GROUP BY subject_id HAVING max(recorded_at) < $2', [subjectIds, before]);
  return rows.map(({ subject_id }) => subject_id);
}

async function removeOutcomes(manager: EntityManager, subjectIds: readonly string[]): Promise<number> {
  const [rows]: [{ coordinates: string; received_at: Date }[]] = await manager.query('DELETE FROM outcome WHERE subject_id = ANY($1) RETURNING coordinates, received_at', [subjectIds]);
  await enterInBooks(manager, { removed: rows.map(({ coordinates, received_at }) => ({ coordinates, atMs: received_at.getTime() })) });
  return rows.length;
}

async function remove(manager: EntityManager, table: string, where: string, parameters: unknown[]): Promise<number> {
  const [, count]: [unknown, number] = await manager.query(`DELETE FROM ${table} WHERE ${where}`, parameters);
  return count;
}

const partitionsOf = async (dataSource: DataSource, parent: string): Promise<string[]> =>
  (await query<{ name: string }>(dataSource, 'SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = to_regclass($1) ORDER BY 1', [parent])).map(({ name }) => name);

async function pagesOf(dataSource: DataSource, table: string): Promise<number> {
  const [row] = await query<{ pages: number }>(dataSource, `SELECT (pg_relation_size(to_regclass($1)) / current_setting('block_size')::int)::float8 AS pages`, [table]);
  return row?.pages ?? 0;
}

const sum = (a: Swept, b: Partial<Swept>): Swept => ({
  keys: a.keys + (b.keys ?? 0), outcomes: a.outcomes + (b.outcomes ?? 0), correlations: a.correlations + (b.correlations ?? 0), unmatched: a.unmatched + (b.unmatched ?? 0),
});
