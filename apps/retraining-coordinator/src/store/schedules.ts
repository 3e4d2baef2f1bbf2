import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, query } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { nextDueMs, type Schedule } from '../domain/schedule.js';

export interface DueSchedule {
  readonly model: string;
  readonly dueAtMs: number;
}

interface Row {
  readonly model: string;
  readonly schedule: Schedule;
  readonly next_due_at: Date;
  readonly now: Date;
}

/** When scheduled models are next due: in the database, so that neither a restart nor a second instance makes a run too few or too many. */
@Injectable()
export class Schedules {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async nextDueAt(model: string): Promise<Date | undefined> {
    const [row] = await query<Row>(this.dataSource, 'SELECT next_due_at FROM retraining_schedule WHERE model = $1', [model]);
    return row?.next_due_at;
  }

  /** The models whose time has come, by the database's clock; however often it came while nobody looked, it is one. */
  async due(): Promise<DueSchedule[]> {
    const rows = await query<Row>(this.dataSource, 'SELECT model, next_due_at FROM retraining_schedule WHERE next_due_at <= now() ORDER BY next_due_at');
    return rows.map(({ model, next_due_at: dueAt }) => ({ model, dueAtMs: dueAt.getTime() }));
  }

  /** Goes on to the first time after now, unless somebody has done so already. */
  async advance({ model, dueAtMs }: DueSchedule): Promise<void> {
    await inTransaction(this.dataSource, async (manager) => {
      const [row] = await query<Row>(manager, 'SELECT schedule, next_due_at, now() AS now FROM retraining_schedule WHERE model = $1 FOR UPDATE', [model]);
      if (row === undefined || row.next_due_at.getTime() !== dueAtMs) return;
      await writeNext(manager, model, row.schedule, row.now);
    });
  }
}

/** Follows a policy's schedule in the transaction that writes the policy. A schedule that stays the same keeps its time. */
export async function followSchedule(manager: EntityManager, model: string, schedule: Schedule | undefined): Promise<void> {
  if (schedule === undefined) return void (await query(manager, 'DELETE FROM retraining_schedule WHERE model = $1', [model]));
  const [known] = await query<Row>(manager, 'SELECT schedule FROM retraining_schedule WHERE model = $1', [model]);
  if (known !== undefined && known.schedule.cron === schedule.cron && known.schedule.timeZone === schedule.timeZone) return;
  const [clock] = await query<Row>(manager, 'SELECT now() AS now');
  await writeNext(manager, model, schedule, clock!.now);
}

async function writeNext(manager: EntityManager, model: string, schedule: Schedule, after: Date): Promise<void> {
  const dueMs = nextDueMs(schedule, after.getTime());
  if (dueMs === undefined) return void (await query(manager, 'DELETE FROM retraining_schedule WHERE model = $1', [model]));
  await query(manager, `INSERT INTO retraining_schedule (model, schedule, next_due_at) VALUES ($1, $2, $3)
    ON CONFLICT (model) DO UPDATE SET schedule = EXCLUDED.schedule, next_due_at = EXCLUDED.next_due_at`, [model, JSON.stringify(schedule), new Date(dueMs)]);
}
