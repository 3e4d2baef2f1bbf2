import { randomUUID } from 'node:crypto';
import type { DataSource, MigrationInterface, QueryRunner } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import { openDatabase, schemaName, type DatabaseOptions } from './data-source.js';
import { Outbox, outboxMigration } from './outbox.js';
import { inTransaction, query } from './transaction.js';
import { unnestRows } from './unnest.js';

class Things1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE things (id int PRIMARY KEY, name text, body bytea, seen timestamptz)');
  }
  async down(): Promise<void> {}
}

const opened: DataSource[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((dataSource) => dataSource.destroy().catch(() => {})));
});

function options(): DatabaseOptions {
  const prefix = `t${randomUUID().slice(0, 8)}_`;
  return {
    schema: 'things',
    settings: { DATABASE_URL: process.env['DATABASE_URL'], DATABASE_SCHEMA_PREFIX: prefix },
    migrations: [outboxMigration, Things1700000000001],
  };
}

async function open(given = options()): Promise<DataSource> {
  const dataSource = await openDatabase(given);
  opened.push(dataSource);
  return dataSource;
}

const count = async (dataSource: DataSource, table: string): Promise<number> =>
  Number((await query<{ count: string }>(dataSource, `SELECT count(*) FROM ${table}`))[0]!.count);
const terminateOthers = (dataSource: DataSource, applicationName: string): Promise<unknown> =>
  query(dataSource, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()', [applicationName]);

describe('the database', () => {
  it('creates and migrates the schema once, however many instances start together', async () => {
    const given = options();
    const instances = await Promise.all(Array.from({ length: 6 }, () => open(given)));
    for (const dataSource of instances) expect(await count(dataSource, 'things')).toBe(0);
    expect(await count(instances[0]!, 'migrations')).toBe(2);
  });

  it('keeps two installations apart', async () => {
    const [one, other] = [await open(), await open()];
    await query(one, 'INSERT INTO things VALUES (1)');
    expect(await count(other, 'things')).toBe(0);
  });

  it('says unavailable when nobody listens', async () => {
    const given = options();
    await expect(openDatabase({ ...given, settings: { ...given.settings, DATABASE_URL: 'postgres://127.0.0.1:1/none' } })).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('rolls back, says unavailable and recovers when the connection is cut in a transaction', async () => {
    const given = options();
    const [dataSource, killer] = [await open(given), await open()];
    const cut = inTransaction(dataSource, async (manager) => {
      await query(manager, 'INSERT INTO things VALUES (1)');
      await terminateOthers(killer, schemaName(given));
      await query(manager, 'INSERT INTO things VALUES (2)');
    });
    await expect(cut).rejects.toMatchObject({ code: 'unavailable' });
    expect(await count(dataSource, 'things')).toBe(0);
  });

  it('says unavailable to the victim of a deadlock', async () => {
    const dataSource = await open();
    await query(dataSource, 'INSERT INTO things VALUES (1), (2)');
    const arrivals: (() => void)[] = [];
    const bothHold = (): Promise<void> => new Promise((resolve) => (arrivals.push(resolve) === 2 ? arrivals.forEach((go) => go()) : undefined));
    const lock = (first: number, second: number) =>
      inTransaction(dataSource, async (manager) => {
        await query(manager, 'UPDATE things SET name = $1 WHERE id = $2', ['x', first]);
        await bothHold();
        await query(manager, 'UPDATE things SET name = $1 WHERE id = $2', ['x', second]);
      });
    const results = await Promise.allSettled([lock(1, 2), lock(2, 1)]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'unavailable' } });
  });

  it('leaves the faults of statements as they are', async () => {
    const dataSource = await open();
    await query(dataSource, 'INSERT INTO things VALUES (1)');
    await expect(inTransaction(dataSource, (manager) => query(manager, 'INSERT INTO things VALUES (1)'))).rejects.toMatchObject({ code: '23505' });
  });

  it('writes more rows at once than there may be parameters, with bytes, times and nulls intact', async () => {
    const dataSource = await open();
    const given = Array.from({ length: 70_000 }, (_, id) => ({
      id,
      name: id % 3 === 0 ? null : `"n,${id}\\`,
      body: Buffer.from([id & 255, 0, 34]),
      seen: new Date(id * 1_000),
    }));
    const rows = unnestRows({ id: 'int', name: 'text', body: 'bytea', seen: 'timestamptz' }, given);
    await query(dataSource, `INSERT INTO things (${rows.columns}) SELECT * FROM ${rows.from} ON CONFLICT DO NOTHING`, rows.parameters);
    expect(await count(dataSource, 'things')).toBe(70_000);
    expect(await query(dataSource, 'SELECT * FROM things WHERE id IN (3, 256) ORDER BY id')).toEqual([
      { id: 3, name: null, body: Buffer.from([3, 0, 34]), seen: new Date(3_000) },
      { id: 256, name: '"n,256\\', body: Buffer.from([0, 0, 34]), seen: new Date(256_000) },
    ]);
  });
});

describe('the outbox', () => {
  const message = (n: number, value: string | Buffer | null = `${n}`) => ({
    topic: 'alert.raised.v1' as const,
    key: `k${n}`,
    value,
    headers: { n: String(n) },
  });

  it('holds what a committed transaction enqueued, in its order, and nothing of one that rolled back', async () => {
    const dataSource = await open();
    const failed = inTransaction(dataSource, async (manager) => {
      await Outbox.enqueue(manager, [message(99)]);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await inTransaction(dataSource, (manager) => Outbox.enqueue(manager, [message(1), message(2, null), message(3, Buffer.from([0, 255]))]));
    await inTransaction(dataSource, (manager) => Outbox.enqueue(manager, [message(4)]));
    const rows = await query(dataSource, 'SELECT topic, key, value, headers FROM outbox ORDER BY id');
    expect(rows).toEqual([
      { topic: 'alert.raised.v1', key: Buffer.from('k1'), value: Buffer.from('1'), headers: { n: '1' } },
      { topic: 'alert.raised.v1', key: Buffer.from('k2'), value: null, headers: { n: '2' } },
      { topic: 'alert.raised.v1', key: Buffer.from('k3'), value: Buffer.from([0, 255]), headers: { n: '3' } },
      { topic: 'alert.raised.v1', key: Buffer.from('k4'), value: Buffer.from('4'), headers: { n: '4' } },
    ]);
  });

  it('refuses a message that no broker would take, and with it the transaction', async () => {
    const dataSource = await open();
    const enqueued = inTransaction(dataSource, (manager) => Outbox.enqueue(manager, [message(1), message(2, 'x'.repeat(1_000_000))]));
    await expect(enqueued).rejects.toMatchObject({ code: 'invalid_request' });
    expect(await count(dataSource, 'outbox')).toBe(0);
  });
});
