import { Inject, Injectable } from '@nestjs/common';
import { query } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { dayOf } from '../domain/prediction.js';
import { Background } from '../store/background.js';
import { timestamp } from '../store/rows.js';
import { topicOfRow } from './domain/places.js';
import { hourKey, type RowBalance, type RowCount, type RowState } from './domain/report.js';

export interface RowsReport {
  readonly rows: readonly RowCount[];
  readonly balances: readonly RowBalance[];
}

/** As in coverage-store.ts. Sums of zero go. */
const SUM_UP = `WITH crowded AS (SELECT topic, hour FROM book_rows GROUP BY 1, 2 HAVING count(*) > 1),
  taken AS (DELETE FROM book_rows b USING crowded c WHERE b.topic = c.topic AND b.hour = c.hour RETURNING b.*)
  INSERT INTO book_rows SELECT topic, hour, sum(count) FROM taken GROUP BY 1, 2 HAVING sum(count) <> 0`;

/** One statement, so that what is written down and what is there are of one moment. The topic comes as it was sent; `topicOfRow` judges it. */
const PREDICTIONS = `SELECT request_coordinates AS coordinates, extract(epoch FROM hour) * 1000 AS "hourMs", state, count FROM (
    SELECT split_part(request_coordinates, '/', 1) || '/' AS request_coordinates, date_bin('1 hour', requested_at, '2000-01-01 00:00Z') AS hour, state, count(*)
    FROM prediction WHERE day BETWEEN $3::date AND $4::date AND requested_at >= $1 AND requested_at < $2 GROUP BY 1, 2, 3) p`;

/** Partitions that are there, those on their way out left aside. */
const ATTACHED = `SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'prediction'::regclass AND NOT inhdetachpending`;

/** What became of each outcome: of those about an answered prediction one holds, and is joined; unless retention has taken the prediction away, or none fits the answer. */
const OUTCOMES = `SELECT coordinates, extract(epoch FROM hour) * 1000 AS "hourMs", state, count FROM (
    SELECT split_part(o.coordinates, '/', 1) || '/' AS coordinates, date_bin('1 hour', o.received_at, '2000-01-01 00:00Z') AS hour, CASE
        WHEN k.state IS NULL OR k.state = 'awaited' THEN 'pending'
        WHEN k.state = 'rejected' THEN 'ofRejected'
        WHEN j.outcome_source = o.source AND j.outcome_sequence = o.sequence THEN 'joined'
        WHEN j.prediction_id IS NOT NULL OR 'prediction_' || to_char(k.day, 'YYYYMMDD') NOT IN (${ATTACHED}) OR o.unfit_attempt = k.attempt THEN 'superseded'
        ELSE 'unjoined' END AS state, count(*)
    FROM outcome o LEFT JOIN prediction_key k ON k.prediction_id = o.subject_id LEFT JOIN prediction_joined j ON j.prediction_id = o.subject_id AND j.day = k.day
    WHERE o.received_at >= $1 AND o.received_at < $2 GROUP BY 1, 2, 3) o`;

const RECORDED = `SELECT topic || '/' AS coordinates, extract(epoch FROM hour) * 1000 AS "hourMs", 'recorded' AS state, sum(count) AS count
  FROM book_rows WHERE hour >= $1 AND hour < $2 GROUP BY topic, hour`;

const DAYS = `SELECT substr(relname, 12) AS day FROM (${ATTACHED}) d`;

interface Row {
  readonly coordinates: string | null;
  readonly hourMs: number;
  readonly state: RowState | 'recorded';
  readonly count: number;
}

/** How many rows were written down, and how many are there. */
@Injectable()
export class RowsStore {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Background) private readonly background: Background,
  ) {}

  async sumUp(): Promise<void> {
    await query(this.dataSource, SUM_UP);
  }

  /** Days that have rows to count, `YYYY-MM-DD`, the newest first. */
  async days(): Promise<string[]> {
    const rows = await query<{ day: string }>(this.dataSource, DAYS);
    return rows.map(({ day }) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`).sort().reverse();
  }

  /**
   * Counts rows of hours in [fromMs, toMs), whole hours. Reads the rows: a second or more for each million.
   *
   * @param isUrgent that somebody waits for it
   */
  async report(fromMs: number, toMs: number, { isUrgent } = { isUrgent: true }): Promise<RowsReport> {
    const count = (on: DataSource | EntityManager): Promise<Row[]> => query<Row>(on, `SELECT coordinates, "hourMs"::float8, state, count::float8 FROM (${RECORDED} UNION ALL ${PREDICTIONS} UNION ALL ${OUTCOMES}) r`,
      [timestamp(fromMs), timestamp(toMs), dayOf(fromMs), dayOf(toMs - 1)]);
    const rows = await (isUrgent ? count(this.dataSource) : this.background.run(count));
    // Asked afterwards: a day that retention drops meanwhile counts as dropped.
    const days = new Set(await this.days());
    return balance(rows.filter(({ coordinates, state, hourMs }) => state !== 'recorded' || isOutcome(coordinates) || days.has(dayOf(hourMs))));
  }
}

const isOutcome = (coordinates: string | null): boolean => coordinates?.startsWith('outcome.') === true;

function balance(found: readonly Row[]): RowsReport {
  const balances = new Map<string, { topic: string; hourMs: number; recorded: number; counted: number }>();
  const rows: RowCount[] = [];
  for (const { coordinates, hourMs, state, count } of found) {
    // Recorded ones carry their topic already.
    const topic = state === 'recorded' ? (coordinates ?? '').slice(0, -1) : topicOfRow(coordinates);
    const known = balances.get(hourKey(topic, hourMs)) ?? { topic, hourMs, recorded: 0, counted: 0 };
    balances.set(hourKey(topic, hourMs), known);
    if (state === 'recorded') known.recorded += count;
    else known.counted += count;
    if (state !== 'recorded') rows.push({ topic, hourMs, state, count });
  }
  return { rows, balances: [...balances.values()] };
}
