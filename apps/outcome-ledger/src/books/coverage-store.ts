import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource } from 'typeorm';
import { recordset } from '../store/rows.js';
import { SEGMENT_OFFSETS } from './domain/segments.js';
import type { Covered, Span } from './domain/spans.js';

/** A run of offsets that nobody has dealt with. */
export interface Gap {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  /** One past its last offset. */
  readonly to: number;
}

const SPAN_COLUMNS = { id: 'integer', topic: 'text', partition: 'integer', first: 'bigint', past: 'bigint' } as const;
const sizeOf = (set: string): string => `(SELECT COALESCE(sum(upper(r) - lower(r)), 0) FROM unnest(${set}) r)`;

/** What several transactions have said of one piece becomes one row. Who comes second finds the rows gone, and takes what is left. */
const SUM_UP = `WITH crowded AS (
    SELECT topic, partition, segment, is_dead_letter FROM book_offsets GROUP BY 1, 2, 3, 4 HAVING count(*) > 1),
  taken AS (
    DELETE FROM book_offsets b USING crowded c
    WHERE b.topic = c.topic AND b.partition = c.partition AND b.segment = c.segment AND b.is_dead_letter = c.is_dead_letter RETURNING b.*)
  INSERT INTO book_offsets SELECT topic, partition, segment, is_dead_letter, range_agg(offsets) FROM taken GROUP BY 1, 2, 3, 4`;

const COVERED = `WITH span AS MATERIALIZED (SELECT * FROM ${recordset(1, SPAN_COLUMNS, 's')}),
  piece AS MATERIALIZED (
    SELECT topic, partition, segment, range_agg(offsets) AS handled, range_agg(offsets) FILTER (WHERE is_dead_letter) AS dead
    FROM book_offsets b WHERE EXISTS (SELECT FROM span s WHERE s.topic = b.topic AND s.partition = b.partition) GROUP BY 1, 2, 3),
  met AS (
    SELECT s.id, p.handled * int8multirange(int8range(s.first, s.past)) AS handled, p.dead * int8multirange(int8range(s.first, s.past)) AS dead
    FROM span s JOIN piece p ON p.topic = s.topic AND p.partition = s.partition AND p.segment BETWEEN s.first / ${SEGMENT_OFFSETS} AND (s.past - 1) / ${SEGMENT_OFFSETS})
  SELECT id, sum(${sizeOf('handled')})::float8 AS handled, sum(${sizeOf('dead')})::float8 AS "deadLetters" FROM met GROUP BY id`;

const GAPS = `SELECT lower(r)::float8 AS "from", upper(r)::float8 AS "to" FROM unnest(int8multirange(int8range($3::bigint, $4::bigint)) - COALESCE((
    SELECT range_agg(offsets) FROM book_offsets WHERE topic = $1 AND partition = $2 AND segment BETWEEN $3::bigint / ${SEGMENT_OFFSETS} AND ($4::bigint - 1) / ${SEGMENT_OFFSETS}), '{}')) r
  ORDER BY 1 LIMIT $5`;

/** Which offsets of Kafka's topics the ledger has dealt with. */
@Injectable()
export class CoverageStore {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** Makes one row of many; what the sets say stays the same. */
  async sumUp(): Promise<void> {
    await query(this.dataSource, SUM_UP);
  }

  /** What of each span is covered, in the order of the spans. */
  async coveredOf(spans: readonly Span[]): Promise<Covered[]> {
    const rows = spans.map(({ topic, partition, from, to }, id) => ({ id, topic, partition, first: from, past: to }));
    const found = rows.length === 0 ? [] : await query<Covered & { id: number }>(this.dataSource, COVERED, [JSON.stringify(rows)]);
    const byId = new Map(found.map(({ id, handled, deadLetters }) => [id, { handled, deadLetters }]));
    return spans.map((_, id) => byId.get(id) ?? { handled: 0, deadLetters: 0 });
  }

  /** The first runs of offsets in a span that nobody has dealt with. */
  async gapsOf({ topic, partition, from, to }: Span, limit: number): Promise<Gap[]> {
    const rows = await query<{ from: number; to: number }>(this.dataSource, GAPS, [topic, partition, from, to, limit]);
    return rows.map((row) => ({ topic, partition, ...row }));
  }

  /** Topics on which anything was ever dealt with. */
  async topics(): Promise<string[]> {
    const rows = await query<{ topic: string }>(this.dataSource, 'SELECT DISTINCT topic FROM book_offsets');
    return rows.map(({ topic }) => topic);
  }
}
