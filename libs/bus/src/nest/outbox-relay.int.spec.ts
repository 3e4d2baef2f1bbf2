import { randomUUID } from 'node:crypto';
import { ContractError } from '@throughline/contracts';
import { inTransaction, openDatabase, Outbox, outboxMigration, query } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { afterEach, describe, expect, it } from 'vitest';
import type { Bus, OutgoingMessage } from '../port.js';
import { ended, startChild } from '../testing/child.js';
import { closeTracked, tracked } from '../testing/contract-suite.js';
import { eventually, numbered, range, readAll, TOPIC } from '../testing/fixtures.js';
import { kafkaInstallation } from '../testing/kafka.js';
import type { CrashPoint } from '../testing/outbox.child.js';
import { OutboxRelay } from './outbox-relay.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
  await closeTracked();
});

const databaseSettings = () => ({ DATABASE_URL: process.env['DATABASE_URL'], DATABASE_SCHEMA_PREFIX: `t${randomUUID().slice(0, 8)}_` });

async function open(settings = databaseSettings()): Promise<DataSource> {
  const dataSource = await openDatabase({ schema: 'outbox', settings, migrations: [outboxMigration] });
  cleanUp.push(() => dataSource.destroy());
  return dataSource;
}

function relayOf(dataSource: DataSource, sendAll: (messages: readonly OutgoingMessage[]) => Promise<void>): OutboxRelay {
  const relay = new OutboxRelay(dataSource, { sendAll });
  relay.start();
  cleanUp.push(() => relay.stop());
  return relay;
}

const enqueue = (dataSource: DataSource, numbers: readonly number[]): Promise<void> =>
  inTransaction(dataSource, (manager) =>
    Outbox.enqueue(
      manager,
      numbers.map((n) => numbered(n, 'one')),
    ),
  );
const idOf = ({ value }: { readonly value: string | Buffer | null }): number => Number(JSON.parse(value!.toString()).id);
const pending = async (dataSource: DataSource): Promise<number> =>
  Number((await query<{ count: string }>(dataSource, 'SELECT count(*) FROM outbox'))[0]!.count);
const published = async (bus: Bus): Promise<number[]> => (await readAll(bus, TOPIC)).map(idOf);

describe('the outbox relay', () => {
  it('publishes what committed, in its order, soon after the commit, and forgets it', async () => {
    const dataSource = await open();
    const bus = tracked((await kafkaInstallation()).connect());
    relayOf(dataSource, (messages) => bus.producer.sendAll(messages));
    await enqueue(dataSource, range(1_200));
    await eventually(async () => expect(await pending(dataSource)).toBe(0));
    expect(await published(bus)).toEqual(range(1_200));
    const latenciesMs: number[] = [];
    for (const n of range(10, 2_000)) {
      const committedAtMs = performance.now();
      await enqueue(dataSource, [n]);
      await eventually(async () => expect(await pending(dataSource)).toBe(0));
      latenciesMs.push(performance.now() - committedAtMs);
    }
    // Without the notification the poll would take a second.
    expect(Math.min(...latenciesMs)).toBeLessThan(500);
  });

  it.each<[CrashPoint, number]>([
    ['between commit and publish', 1],
    ['between publish and delete', 2],
  ])('loses nothing when the process is killed %s', async (dieAt, copies) => {
    const { settings, connect } = await kafkaInstallation();
    const bus = tracked(connect());
    const own = databaseSettings();
    const dataSource = await open(own);
    const child = startChild('outbox.child.js', { settings: { ...settings, ...own }, schema: 'outbox', count: 300, dieAt });
    expect(await ended(child)).toBe('SIGKILL');
    expect(await pending(dataSource)).toBe(300);
    relayOf(dataSource, (messages) => bus.producer.sendAll(messages));
    await eventually(async () => expect(await pending(dataSource)).toBe(0));
    expect(await published(bus)).toEqual(range(copies).flatMap(() => range(300)));
  });

  it('lets one relay of a schema work at a time, and another take over', async () => {
    const settings = databaseSettings();
    const [dataSource, other] = [await open(settings), await open(settings)];
    const sent = { first: [] as number[], second: [] as number[] };
    const first = relayOf(dataSource, async (messages) => void sent.first.push(...messages.map(idOf)));
    await enqueue(dataSource, [1]);
    await eventually(() => expect(sent.first).toEqual([1]));
    relayOf(other, async (messages) => void sent.second.push(...messages.map(idOf)));
    for (const n of range(20, 2)) await enqueue(other, [n]);
    await eventually(() => expect(sent.first).toEqual(range(21, 1)));
    expect(sent.second).toEqual([]);
    await first.stop();
    await enqueue(dataSource, [22]);
    await eventually(() => expect(sent.second).toEqual([22]));
  });

  it('deletes nothing that the brokers have not acknowledged, and goes on when they do', async () => {
    const dataSource = await open();
    const sent: number[] = [];
    let isDown = true;
    let refusals = 0;
    relayOf(dataSource, async (messages) => {
      refusals += isDown ? 1 : 0;
      if (isDown) throw new ContractError('unavailable', 'no brokers');
      sent.push(...messages.map(idOf));
    });
    await enqueue(dataSource, range(3));
    await eventually(() => expect(refusals).toBeGreaterThan(1));
    expect(await pending(dataSource)).toBe(3);
    isDown = false;
    await eventually(() => expect(sent).toEqual(range(3)));
  });

  it('reads no more at once than fits, and leaves nothing behind', async () => {
    const dataSource = await open();
    const sent: number[] = [];
    let mostBytes = 0;
    const large = range(20).map((n) => ({ ...numbered(n, 'one'), value: JSON.stringify({ id: String(n), filler: 'x'.repeat(800_000) }) }));
    for (const message of large) await inTransaction(dataSource, (manager) => Outbox.enqueue(manager, [message]));
    relayOf(dataSource, async (messages) => {
      mostBytes = Math.max(
        mostBytes,
        messages.reduce((sum, { value }) => sum + value!.length, 0),
      );
      sent.push(...messages.map(idOf));
    });
    await eventually(() => expect(sent).toEqual(range(20)));
    expect(mostBytes).toBeLessThan(6 * 1024 * 1024);
  });

  it('lets a row that no broker takes hold up nobody, and keeps it', async () => {
    const dataSource = await open();
    const sent: number[] = [];
    await enqueue(dataSource, range(10));
    relayOf(dataSource, async (messages) => {
      if (messages.some((message) => idOf(message) === 4)) throw new ContractError('message_too_large', 'more than the broker takes');
      sent.push(...messages.map(idOf));
    });
    await eventually(async () => expect(await pending(dataSource)).toBe(1));
    await enqueue(dataSource, [10]);
    await eventually(() => expect(sent).toEqual(range(11).filter((n) => n !== 4)));
    expect(await query(dataSource, 'SELECT value FROM outbox')).toHaveLength(1);
  });

  it('comes back when its connection is cut', async () => {
    const dataSource = await open();
    const sent: number[] = [];
    relayOf(dataSource, async (messages) => void sent.push(...messages.map(idOf)));
    await enqueue(dataSource, [1]);
    await eventually(() => expect(sent).toEqual([1]));
    await query(dataSource, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = current_schema() AND pid <> pg_backend_pid()');
    await eventually(() => enqueue(dataSource, [2]));
    await eventually(() => expect(sent).toEqual([1, 2]));
  });
});
