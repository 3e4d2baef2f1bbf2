import { Inject, Injectable } from '@nestjs/common';
import { inTransaction } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';

/** Long counts that nobody waits for: one at a time in this process, each on one core, so that what somebody waits for has the others. */
@Injectable()
export class Background {
  private last: Promise<unknown> = Promise.resolve();

  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** Begins when those asked for before it have ended; in a transaction of its own. */
  run<R>(count: (manager: EntityManager) => Promise<R>): Promise<R> {
    const counted = this.last.then(() => inTransaction(this.dataSource, async (manager) => {
      await manager.query('SET LOCAL max_parallel_workers_per_gather = 0');
      return count(manager);
    }));
    this.last = counted.catch(() => undefined);
    return counted;
  }
}
