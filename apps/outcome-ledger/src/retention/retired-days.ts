import { query } from '@throughline/db';
import type { DataSource, EntityManager } from 'typeorm';
import type { ArchivedFile } from './archive-file.js';

/** A day that is leaving the ledger, or has left it; a day that came back after it was dropped leaves again as a further part. */
export interface RetiredDay {
  readonly day: string;
  readonly part: number;
  readonly predictions: number;
  /** What the archive was made of. */
  readonly contents: string;
  readonly files: readonly ArchivedFile[];
  readonly archivedAt: Date | null;
  readonly droppedAt: Date | null;
}

const COLUMNS = `day::text, part, predictions::float8 AS predictions, contents, files, archived_at AS "archivedAt", dropped_at AS "droppedAt"`;

/** The part that is leaving now; begins one where none is. */
export async function beginPart(dataSource: DataSource, day: string): Promise<RetiredDay> {
  await query(dataSource,
    `INSERT INTO retired_day (day, part, predictions, contents) SELECT $1::date, coalesce(max(part), 0) + 1, 0, '' FROM retired_day WHERE day = $1::date HAVING count(*) FILTER (WHERE dropped_at IS NULL) = 0`, [day]);
  const [row] = await query<RetiredDay>(dataSource, `SELECT ${COLUMNS} FROM retired_day WHERE day = $1 AND dropped_at IS NULL`, [day]);
  return row!;
}

export async function noteArchive(dataSource: DataSource, { day, part }: Pick<RetiredDay, 'day' | 'part'>, contents: string, predictions: number, files: readonly ArchivedFile[]): Promise<void> {
  await query(dataSource, `UPDATE retired_day SET archived_at = CASE WHEN $4::jsonb = '[]' THEN NULL ELSE now() END, contents = $3, files = $4, predictions = $5 WHERE day = $1 AND part = $2`, [day, part, contents, JSON.stringify(files), predictions]);
}

export async function noteDrop(manager: EntityManager, { day, part }: Pick<RetiredDay, 'day' | 'part'>): Promise<void> {
  await manager.query(`UPDATE retired_day SET dropped_at = now() WHERE day = $1 AND part = $2`, [day, part]);
}

/** What became of a prediction whose row is no longer there. */
export interface Expiry {
  readonly state: 'expired';
  /** Day of the request. */
  readonly day: string;
  /** Null of a row that went otherwise than with its day. */
  readonly expiredAt: Date | null;
  /** Files beneath LEDGER_ARCHIVE_DIR in one of which it is; empty where nothing was archived. */
  readonly archive: readonly string[];
}

/** A day's rows are in no query from when it is detached, which may be long before it is dropped: its archive is compared once more. */
const GONE_SQL = `SELECT coalesce(dropped_at, now()) AS "goneAt", files FROM retired_day WHERE day = $1::date AND (dropped_at IS NOT NULL OR NOT EXISTS (
    SELECT FROM pg_inherits WHERE inhparent = 'prediction'::regclass AND inhrelid = to_regclass('prediction_' || to_char($1::date, 'YYYYMMDD')) AND NOT inhdetachpending))
  ORDER BY part`;

/** Says of a prediction whose row is gone since when, and where its archive is. */
export async function expiryOf(manager: EntityManager, day: string): Promise<Expiry> {
  const rows: { goneAt: Date; files: ArchivedFile[] }[] = await manager.query(GONE_SQL, [day]);
  return { state: 'expired', day, expiredAt: rows.at(-1)?.goneAt ?? null, archive: rows.flatMap(({ files }) => files.filter(({ kind }) => kind === 'predictions').map(({ path }) => path)) };
}
