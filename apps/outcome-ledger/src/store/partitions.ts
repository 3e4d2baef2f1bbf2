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

/** ATTACH blocks nobody who writes; CREATE … PARTITION OF would lock the whole table. */
async function createDay(manager: EntityManager, day: string): Promise<void> {
  const next = dayOf(Date.parse(day) + DAY_MS);
  await manager.query(`SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.partitions'))`);
  for (const table of PARTITIONED) {
    const partition = `${table}_${day.replaceAll('-', '')}`;
    const [{ exists }] = await manager.query(`SELECT to_regclass($1) IS NOT NULL AS exists`, [partition]);
    if (exists) continue;
    await manager.query(`CREATE TABLE ${partition} (LIKE ${table} INCLUDING ALL)`);
    await manager.query(`ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES FROM ('${day}') TO ('${next}')`);
  }
}
