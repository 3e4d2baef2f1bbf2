import type { EntityManager } from 'typeorm';
import { bookedOutcome, enterInBooks } from '../books/entries.js';
import type { OutcomeRecord, OutcomeValue } from '../domain/outcome.js';
import { traceOf } from './trace-columns.js';
import { insertRows, recordset, rowsParameter, timestamp } from './rows.js';

const OUTCOME_COLUMNS = {
  subject_id: 'uuid', source: 'text', sequence: 'bigint', value: 'jsonb', occurred_at: 'timestamptz', observed_at: 'timestamptz', received_at: 'timestamptz',
  event_source: 'text', event_id: 'text', coordinates: 'text', trace_id: 'text', span_id: 'text', sampled: 'boolean',
} as const;

export interface OutcomeRow {
  readonly subject_id: string;
  readonly source: string;
  readonly sequence: string;
  readonly value: OutcomeValue;
  readonly occurred_at: Date;
  readonly observed_at: Date | null;
  readonly received_at: Date;
  readonly recorded_at: Date;
  readonly event_source: string;
  readonly event_id: string;
  readonly coordinates: string;
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly sampled: boolean | null;
}

export const outcomeOfRow = (row: OutcomeRow): OutcomeRecord => ({
  subjectId: row.subject_id, source: row.source, sequence: Number(row.sequence), value: row.value, occurredAtMs: row.occurred_at.getTime(),
  observedAtMs: row.observed_at?.getTime(), receivedAtMs: row.received_at.getTime(), eventSource: row.event_source, eventId: row.event_id,
  coordinates: row.coordinates, trace: traceOf(row),
});

/** Identity of an outcome within its subject. */
export const statementKey = ({ subjectId, source, sequence }: Pick<OutcomeRecord, 'subjectId' | 'source' | 'sequence'>): string => `${subjectId}/${sequence}/${source}`;

/** Appends what is new; the statement keys of that. The caller holds the subjects' locks. */
export async function appendOutcomes(manager: EntityManager, outcomes: readonly OutcomeRecord[]): Promise<Set<string>> {
  const rows = outcomes.map((outcome) => ({
    subject_id: outcome.subjectId, source: outcome.source, sequence: outcome.sequence, value: outcome.value, occurred_at: timestamp(outcome.occurredAtMs),
    observed_at: outcome.observedAtMs === undefined ? undefined : timestamp(outcome.observedAtMs), received_at: timestamp(outcome.receivedAtMs),
    event_source: outcome.eventSource, event_id: outcome.eventId, coordinates: outcome.coordinates,
    trace_id: outcome.trace?.traceId, span_id: outcome.trace?.spanId, sampled: outcome.trace?.sampled,
  }));
  const appended = await insertRows<{ subject_id: string; source: string; sequence: string }>(
    manager, 'outcome', OUTCOME_COLUMNS, rows, 'ON CONFLICT DO NOTHING RETURNING subject_id, source, sequence', 'ORDER BY subject_id, source, sequence');
  const kept = new Set(appended.map((row) => statementKey({ subjectId: row.subject_id, source: row.source, sequence: Number(row.sequence) })));
  await enterInBooks(manager, { added: outcomes.filter((outcome) => kept.has(statementKey(outcome))).map(bookedOutcome) });
  return kept;
}

/** Everything said about these subjects. */
export async function loadOutcomes(manager: EntityManager, subjectIds: readonly string[]): Promise<Map<string, OutcomeRecord[]>> {
  if (subjectIds.length === 0) return new Map();
  const rows: OutcomeRow[] = await manager.query(`SELECT * FROM outcome WHERE subject_id = ANY($1)`, [subjectIds]);
  return Map.groupBy(rows.map(outcomeOfRow), ({ subjectId }) => subjectId);
}

/** The subjects' sources one after the other, by the index: however often a source has corrected itself, one row of it is read. */
const BEST_SQL = `SELECT o.* FROM unnest($1::uuid[]) AS s(id) CROSS JOIN LATERAL (
  WITH RECURSIVE best AS (
    (SELECT * FROM outcome WHERE subject_id = s.id ORDER BY source DESC, sequence DESC LIMIT 1)
    UNION ALL
    SELECT n.* FROM best b CROSS JOIN LATERAL (SELECT * FROM outcome WHERE subject_id = s.id AND source < b.source ORDER BY source DESC, sequence DESC LIMIT 1) n)
  SELECT * FROM best) o`;

/** What every source said last about these subjects; enough to know which outcome holds. */
export async function loadBestOutcomes(manager: EntityManager, subjectIds: readonly string[]): Promise<Map<string, OutcomeRecord[]>> {
  if (subjectIds.length === 0) return new Map();
  const rows: OutcomeRow[] = await manager.query(BEST_SQL, [subjectIds]);
  return Map.groupBy(rows.map(outcomeOfRow), ({ subjectId }) => subjectId);
}

/** Outcomes of one subject that are read at once where all are wanted. */
const MAX_READ = 1_000;

const WAITING_SQL = `SELECT o.*, n.count FROM unnest($1::uuid[]) AS s(id)
  CROSS JOIN LATERAL (SELECT count(*)::float8 AS count FROM outcome WHERE subject_id = s.id) n
  CROSS JOIN LATERAL (SELECT * FROM outcome WHERE subject_id = s.id ORDER BY source DESC, sequence DESC LIMIT ${MAX_READ}) o`;

export interface WaitingOutcomes {
  /** At most 1,000 and the last of each source: of a subject with more the others stay what they are, history. */
  readonly outcomes: readonly OutcomeRecord[];
  readonly count: number;
}

/** What was said about these subjects before anybody could judge it. */
export async function loadWaitingOutcomes(manager: EntityManager, subjectIds: readonly string[]): Promise<Map<string, WaitingOutcomes>> {
  if (subjectIds.length === 0) return new Map();
  const rows: (OutcomeRow & { readonly count: number })[] = await manager.query(WAITING_SQL, [subjectIds]);
  const groups = Map.groupBy(rows, (row) => row.subject_id);
  const last = await loadBestOutcomes(manager, [...groups].flatMap(([id, [first]]) => (first!.count > MAX_READ ? [id] : [])));
  return new Map([...groups].map(([id, own]) => [id, { outcomes: distinctOutcomes([...own.map(outcomeOfRow), ...(last.get(id) ?? [])]), count: own[0]!.count }]));
}

/** The first of each statement. */
export const distinctOutcomes = (outcomes: readonly OutcomeRecord[]): OutcomeRecord[] => {
  const first = new Map<string, OutcomeRecord>();
  for (const outcome of outcomes) if (!first.has(statementKey(outcome))) first.set(statementKey(outcome), outcome);
  return [...first.values()];
};

const STATEMENT_COLUMNS = { subject_id: 'uuid', source: 'text', sequence: 'bigint' } as const;

/** Outcomes stay that were joined with an answer before, and do not fit the one that displaced it: the books are to know that no join of theirs is lost. */
export async function markUnfit(manager: EntityManager, predictions: readonly { readonly predictionId: string; readonly attempt: number }[]): Promise<void> {
  if (predictions.length === 0) return;
  await manager.query(`UPDATE outcome o SET unfit_attempt = r.attempt FROM ${recordset(1, { prediction_id: 'uuid', attempt: 'bigint' })} WHERE o.subject_id = r.prediction_id`,
    [rowsParameter(predictions.map(({ predictionId, attempt }) => ({ prediction_id: predictionId, attempt })))]);
}

/** Removes outcomes that leave the history: to another subject, or to the dead letters. */
export async function removeOutcomes(manager: EntityManager, outcomes: readonly OutcomeRecord[]): Promise<void> {
  if (outcomes.length === 0) return;
  await manager.query(
    `DELETE FROM outcome o USING ${recordset(1, STATEMENT_COLUMNS)} WHERE o.subject_id = r.subject_id AND o.source = r.source AND o.sequence = r.sequence`,
    [rowsParameter(outcomes.map(({ subjectId, source, sequence }) => ({ subject_id: subjectId, source, sequence })))]);
  await enterInBooks(manager, { removed: outcomes.map(bookedOutcome) });
}
