import type { EntityManager } from 'typeorm';
import type { OutcomeRecord } from '../domain/outcome.js';
import type { PredictionRecord } from '../domain/prediction.js';
import { recordset, timestamp } from '../store/rows.js';
import { hourOf, placeOf, topicOfRow } from './domain/places.js';
import { segmentsOf } from './domain/segments.js';

const OFFSET_COLUMNS = { topic: 'text', partition: 'integer', segment: 'bigint', is_dead_letter: 'boolean', offsets: 'int8multirange' } as const;
const ROW_COLUMNS = { topic: 'text', hour: 'timestamptz', count: 'bigint' } as const;

/** A row of the ledger, as the books know it: where its message was, and when that came. */
export interface BookedRow {
  readonly coordinates: string | null | undefined;
  readonly atMs: number;
}

export interface Entry {
  /** Places of messages that were dealt with, whatever became of them. */
  readonly handled?: readonly (string | undefined)[];
  /** Places of messages that were given up. */
  readonly deadLetters?: readonly string[];
  /** Rows that were written down. */
  readonly added?: readonly BookedRow[];
  /** Rows that were taken away, for a reason. */
  readonly removed?: readonly BookedRow[];
}

/** Enters into the books, in the transaction of what is entered. One statement that waits for nobody. */
export async function enterInBooks(manager: Pick<EntityManager, 'query'>, { handled = [], deadLetters = [], added = [], removed = [] }: Entry): Promise<void> {
  const offsets = [...offsetRows(handled, false), ...offsetRows(deadLetters, true)];
  const rows = rowCounts(added, removed);
  if (offsets.length === 0 && rows.length === 0) return;
  await manager.query(
    `WITH covered AS (INSERT INTO book_offsets SELECT topic, partition, segment, is_dead_letter, offsets FROM ${recordset(1, OFFSET_COLUMNS)})
     INSERT INTO book_rows SELECT topic, hour, count FROM ${recordset(2, ROW_COLUMNS)}`,
    [JSON.stringify(offsets), JSON.stringify(rows)]);
}

export const bookedPrediction = ({ requestCoordinates, requestedAtMs }: PredictionRecord): BookedRow => ({ coordinates: requestCoordinates, atMs: requestedAtMs });
export const bookedOutcome = ({ coordinates, receivedAtMs }: OutcomeRecord): BookedRow => ({ coordinates, atMs: receivedAtMs });

/** A day's rows leave the ledger for a reason, as retention has it: they are no longer looked for. */
export async function forgetRows(manager: Pick<EntityManager, 'query'>, topics: 'predictions' | 'outcomes', day: string): Promise<void> {
  const isOutcome = `topic LIKE 'outcome.%'`;
  await manager.query(`DELETE FROM book_rows WHERE hour >= ($1::date)::timestamp AT TIME ZONE 'UTC' AND hour < ($1::date + 1)::timestamp AT TIME ZONE 'UTC' AND ${topics === 'outcomes' ? isOutcome : `NOT ${isOutcome}`}`, [day]);
}

const offsetRows = (coordinates: readonly (string | undefined)[], isDeadLetter: boolean): object[] =>
  segmentsOf(coordinates.flatMap((one) => placeOf(one) ?? [])).map((segment) => ({ ...segment, is_dead_letter: isDeadLetter }));

function rowCounts(added: readonly BookedRow[], removed: readonly BookedRow[]): object[] {
  const counts = new Map<string, { topic: string; hour: string; count: number }>();
  const count = ({ coordinates, atMs }: BookedRow, by: number): void => {
    const topic = topicOfRow(coordinates);
    const hourMs = hourOf(atMs);
    const key = `${topic}/${hourMs}`;
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { topic, hour: timestamp(hourMs), count: by });
    else known.count += by;
  };
  for (const row of added) count(row, 1);
  for (const row of removed) count(row, -1);
  return [...counts.values()].filter((one) => one.count !== 0);
}
