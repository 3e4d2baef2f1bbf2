import { query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import type { TableColumn } from './domain/archive.js';

/** The tables that rows of one day are in, of each table that is partitioned by day. */
export const PARENTS = ['prediction', 'prediction_shadow', 'prediction_joined'] as const;
export type Parent = (typeof PARENTS)[number];

export const tableOf = (parent: Parent, day: string): string => `${parent}_${day.replaceAll('-', '')}`;

/** Days that have a table, attached or already taken off; oldest first. */
export async function daysOf(source: Pick<DataSource, 'query'>): Promise<string[]> {
  const rows = await query<{ day: string }>(source,
    `SELECT DISTINCT to_date(right(relname, 8), 'YYYYMMDD')::text AS day FROM pg_class
     WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname ~ '^prediction(_shadow|_joined)?_\\d{8}$' ORDER BY day`);
  return rows.map(({ day }) => day);
}

export async function exists(source: Pick<DataSource, 'query'>, table: string): Promise<boolean> {
  const [row] = await query<{ exists: boolean }>(source, 'SELECT to_regclass($1) IS NOT NULL AS exists', [table]);
  return row?.exists === true;
}

export async function columnsOfTable(source: Pick<DataSource, 'query'>, table: string): Promise<TableColumn[]> {
  return query<{ name: string; type: string }>(source,
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, [table]);
}

/** What is in the tables of a day: when it is the same twice, nobody has written in between. */
export async function contentsOf(source: Pick<DataSource, 'query'>, day: string): Promise<{ contents: string; predictions: number }> {
  const [row] = await query<{ predictions: number; erased: number; shadows: number; joined: number; last: string | null }>(source,
    `SELECT (SELECT count(*)::float8 FROM ${tableOf('prediction', day)}) AS predictions, (SELECT count(erased_at)::float8 FROM ${tableOf('prediction', day)}) AS erased,
       (SELECT count(*)::float8 FROM ${tableOf('prediction_shadow', day)}) AS shadows,
       (SELECT count(*)::float8 FROM ${tableOf('prediction_joined', day)}) AS joined, (SELECT max(joined_at)::text FROM ${tableOf('prediction_joined', day)}) AS last`);
  const { predictions, erased, shadows, joined, last } = row!;
  return { contents: `${predictions} predictions, ${erased} erased, ${shadows} shadows, ${joined} joined until ${last ?? 'never'}`, predictions };
}
