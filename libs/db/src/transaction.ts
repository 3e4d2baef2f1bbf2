import type { DataSource, EntityManager } from 'typeorm';
import { mapDatabaseError } from './errors.js';

/**
 * Runs `work` in one transaction: all of it or nothing.
 *
 * @throws ContractError `unavailable` when the database, not the statement, failed (also deadlocks and serialization failures): try again
 */
export async function inTransaction<R>(dataSource: DataSource, work: (manager: EntityManager) => Promise<R>): Promise<R> {
  try {
    return await dataSource.transaction(work);
  } catch (error) {
    throw mapDatabaseError(error);
  }
}

/** One statement outside a transaction, with errors mapped as by `inTransaction`. Rows as objects. */
export async function query<Row = Record<string, unknown>>(
  source: Pick<DataSource, 'query'>,
  sql: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  try {
    return await source.query<Row[]>(sql, [...parameters]);
  } catch (error) {
    throw mapDatabaseError(error);
  }
}
