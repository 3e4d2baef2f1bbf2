import type { openSession } from '@throughline/db';
import type { EntityManager } from 'typeorm';
import { attachmentOf, lockPartitions } from '../store/partitions.js';
import { PARENTS, tableOf, type Parent } from './day-tables.js';

export type Session = Awaited<ReturnType<typeof openSession>>;

/** Whoever writes or reads must not wait behind this. What does not get its lock is tried again in the next round. */
const LOCK_TIMEOUT_MS = 2_000;

/**
 * Takes the tables of a day off the ledger without holding up who writes: DETACH … CONCURRENTLY waits for transactions that were there before and lets
 * new ones pass; DROP of a partition would have everybody wait behind it. An interrupted one is finished.
 *
 * @param session of its own: these statements run in no transaction
 */
export async function detachDay(session: Session, day: string): Promise<void> {
  await session.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
  for (const parent of PARENTS) await detach(session, parent, day);
}

async function detach(session: Session, parent: Parent, day: string): Promise<void> {
  const table = tableOf(parent, day);
  const { rows } = await session.query<{ pending: boolean }>('SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhrelid = to_regclass($1) AND inhparent = to_regclass($2)', [table, parent]);
  const [attached] = rows;
  if (attached === undefined) return;
  await session.query(`ALTER TABLE ${parent} DETACH PARTITION ${table} ${attached.pending ? 'FINALIZE' : 'CONCURRENTLY'}`);
}

/**
 * Deletes the tables of a day, which are detached, in the transaction that notes it: a ledger that is killed has done both or neither.
 *
 * @throws when somebody who keeps predictions for longer has taken the day back: what came since is not archived
 */
export async function dropDay(manager: EntityManager, day: string): Promise<void> {
  await manager.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await lockPartitions(manager);
  for (const parent of PARENTS) {
    const table = tableOf(parent, day);
    if ((await attachmentOf(manager, table)) === 'attached') throw new Error(`${table} was taken back while it was archived: do all instances have the same LEDGER_RETENTION_DAYS?`);
    await manager.query(`DROP TABLE IF EXISTS ${table}`);
  }
}
