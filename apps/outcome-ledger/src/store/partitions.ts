import { Inject, Injectable } from '@nestjs/common';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { dayOf } from '../domain/prediction.js';

const PARTITIONED = ['prediction', 'prediction_shadow', 'prediction_joined'] as const;
const DAY_MS = 86_400_000;

/** Makes the day partitions: on demand before rows of a day are written, and ahead so that midnight is like any other minute. */
@Injectable()
export class Partitions {
  private readonly known = new Set<string>();

  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** Resolves when every day (`YYYY-MM-DD`) has its partitions. Costs nothing for days already known. */
  async ensure(days: Iterable<string>): Promise<void> {
    for (const day of new Set(days)) {
      if (this.known.has(day)) continue;
      await inTransaction(this.dataSource, (manager) => createDay(manager, day));
      this.known.add(day);
    }
  }

  /** Today and the days to come. */
  async ensureAhead(nowMs: number, days = 3): Promise<void> {
    await this.ensure(Array.from({ length: days + 1 }, (_, ahead) => dayOf(nowMs + ahead * DAY_MS)));
  }
}

/** Held by whoever makes, takes back or drops the tables of a day. */
export const lockPartitions = (manager: EntityManager): Promise<unknown> => manager.query(`SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.partitions'))`);

/** `pending`: on its way out, for nobody but those who were there before. */
type Attachment = 'absent' | 'detached' | 'pending' | 'attached';
const ATTACHMENT_SQL = `SELECT CASE WHEN c.oid IS NULL THEN 'absent' WHEN i.inhrelid IS NULL THEN 'detached' WHEN i.inhdetachpending THEN 'pending' ELSE 'attached' END AS attachment
  FROM (SELECT to_regclass($1)::oid AS oid) c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid`;

export async function attachmentOf(manager: EntityManager, partition: string): Promise<Attachment> {
  const [row]: { attachment: Attachment }[] = await manager.query(ATTACHMENT_SQL, [partition]);
  return row!.attachment;
}

/**
 * ATTACH blocks nobody who writes; CREATE … PARTITION OF would lock the whole table. A day that retention had begun to take away, and that is kept by
 * the settings of today, is taken back with what is in it.
 */
export async function createDay(manager: EntityManager, day: string): Promise<void> {
  const next = dayOf(Date.parse(day) + DAY_MS);
  await lockPartitions(manager);
  for (const table of PARTITIONED) {
    const partition = `${table}_${day.replaceAll('-', '')}`;
    const attachment = await attachmentOf(manager, partition);
    if (attachment === 'attached') continue;
    if (attachment === 'absent') await manager.query(`CREATE TABLE ${partition} (LIKE ${table} INCLUDING ALL)`);
    if (attachment === 'pending') await manager.query(`ALTER TABLE ${table} DETACH PARTITION ${partition} FINALIZE`);
    await manager.query(`ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES FROM ('${day}') TO ('${next}')`);
  }
}
