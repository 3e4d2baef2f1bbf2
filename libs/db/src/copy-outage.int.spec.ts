import { randomUUID } from 'node:crypto';
import type { DataSource, EntityManager, MigrationInterface, QueryRunner } from 'typeorm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { copyRows } from './copy.js';
import { openDatabase, openSession } from './data-source.js';
import { inTransaction, query } from './transaction.js';

class Copied1700000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE copied (id int PRIMARY KEY, said text, CHECK (id <> 13))');
  }
  async down(): Promise<void> {}
}

let dataSource: DataSource;

beforeAll(async () => {
  dataSource = await openDatabase({ schema: 'copied', settings: { DATABASE_URL: process.env['DATABASE_URL'], DATABASE_SCHEMA_PREFIX: `t${randomUUID().slice(0, 8)}_` }, migrations: [Copied1700000000003], maxConnections: 1 });
});
afterAll(() => dataSource.destroy());

/** More than sockets buffer: the sender waits for the server in the midst of it. */
const many = (badId?: number) => Array.from({ length: 4_000 }, (_, index) => ({ id: index === 10 && badId !== undefined ? badId : index + 100, said: 'x'.repeat(4_000) }));
const copy = (rows: readonly object[], before?: (manager: EntityManager) => Promise<void>) =>
  inTransaction(dataSource, async (manager) => {
    await before?.(manager);
    await copyRows(manager, 'copied', ['id', 'said'], rows);
  });
const works = async (): Promise<void> => {
  await copy([{ id: 1, said: 'after' }]);
  expect(await query(dataSource, 'DELETE FROM copied RETURNING id')).toEqual([[{ id: 1 }], 1]);
};

it.each([
  ['the server ends it', async (pid: number, manager: EntityManager) => void (await manager.query('SELECT pg_terminate_backend($1)', [pid]))],
  ['the network ends it', undefined],
])('a connection that dies while rows are on their way is unavailable at once, and the next transaction has another: %s', async (_, kill) => {
  // A lock that COPY waits for, with all of its rows on the way.
  const blocker = await openSession(dataSource);
  await blocker.query('BEGIN');
  await blocker.query('LOCK TABLE copied IN ACCESS EXCLUSIVE MODE');
  try {
    let pid = 0;
    let drop = (): void => undefined;
    const copying = copy(many(), async (manager) => {
      [{ pid }] = await manager.query('SELECT pg_backend_pid() AS pid');
      const client = (await manager.queryRunner!.connect()) as { connection: { stream: { destroy(): void } } };
      drop = () => client.connection.stream.destroy();
    });
    copying.catch(() => undefined);
    for (let waiting = 0; waiting === 0; ) waiting = Number((await blocker.query(`SELECT count(*) AS n FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`, [pid])).rows[0].n);
    if (kill === undefined) drop();
    else await kill(pid, blocker as unknown as EntityManager);
    await expect(copying).rejects.toMatchObject({ code: 'unavailable' });
  } finally {
    await blocker.end();
  }
  await works();
});

it('a refusal that comes while rows are still on their way leaves a connection that works', async () => {
  await expect(copy(many(13))).rejects.toMatchObject({ code: '23514' });
  await works();
});
