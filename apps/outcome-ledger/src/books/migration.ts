import type { MigrationInterface, QueryRunner } from 'typeorm';
import { SEGMENT_OFFSETS } from './domain/segments.js';

/** Which messages of Kafka the ledger has dealt with, and how many rows it has written down, by hour. */
export class Books1764383000000 implements MigrationInterface {
  readonly name = 'Books1764383000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [OFFSETS, ROWS, ...takeOver()]) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE book_offsets, book_rows');
    await runner.query('DROP INDEX outcome_received');
  }
}

/**
 * Both are appended to, never updated: transactions of the intake run side by side and would wait for each other's row. What gathers is summed up from
 * time to time (coverage-store.ts, rows-store.ts), in place.
 */
const OFFSETS = `CREATE TABLE book_offsets (
  topic text NOT NULL,
  partition integer NOT NULL,
  segment bigint NOT NULL,
  is_dead_letter boolean NOT NULL,
  offsets int8multirange NOT NULL
);
CREATE INDEX book_offsets_place ON book_offsets (topic, partition, segment)`;

const ROWS = `CREATE TABLE book_rows (
  topic text NOT NULL,
  hour timestamptz NOT NULL,
  count bigint NOT NULL
);
CREATE INDEX book_rows_hour ON book_rows (hour);
CREATE INDEX outcome_received ON outcome USING brin (received_at)`;

const KNOWN = `^(prediction|outcome)\\.[a-z]+\\.[^/]+/[0-9]{1,9}/[0-9]{1,15}$`;
const covered = (coordinates: string, table: string): string => `INSERT INTO book_offsets
  SELECT place[1], place[2]::int, place[3]::bigint / ${SEGMENT_OFFSETS}, false, range_agg(int8range(place[3]::bigint, place[3]::bigint + 1))
  FROM (SELECT string_to_array(${coordinates}, '/') AS place FROM ${table} WHERE ${coordinates} ~ '${KNOWN}') p GROUP BY 1, 2, 3`;
const counted = (coordinates: string, instant: string, table: string): string => `INSERT INTO book_rows
  SELECT CASE WHEN topic IS NULL THEN 'http' WHEN topic ~ '^(prediction\\.requested|outcome\\.observed)\\.' THEN topic ELSE 'elsewhere' END, hour, sum(count)
  FROM (SELECT split_part(${coordinates}, '/', 1) AS topic, date_trunc('hour', ${instant}, 'UTC') AS hour, count(*) AS count FROM ${table} GROUP BY 1, 2) p GROUP BY 1, 2`;

/** What a ledger from before the books holds is taken as it is: the first copy of each message; later copies were not kept anywhere. */
const takeOver = (): string[] => [
  covered('request_coordinates', 'prediction'), covered('answer_coordinates', 'prediction'), covered('coordinates', 'outcome'),
  counted('request_coordinates', 'requested_at', 'prediction'), counted('coordinates', 'received_at', 'outcome'),
];
