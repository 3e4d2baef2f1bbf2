import type { EventTopic } from '@throughline/contracts';
import { createBus } from '@throughline/bus';
import { deleteRecordsBefore, deleteTopic } from '@throughline/bus/testing';
import type { RunningService } from '@throughline/http';
import type { SpawnedService } from '@throughline/testing';
import { eventually } from '@throughline/testing';
import pg from 'pg';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readConfig } from '../config.js';
import { deployment, idOf, outcome } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { spawnLedger } from '../testing/spawned.js';
import type { BooksReport } from './auditor.js';
import { ask, Worker } from './testing/worker.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const REQUESTS = 'prediction.requested.v1';
const ANSWERS = 'prediction.scored.v1';
const OUTCOMES = 'outcome.observed.v1';
let home: Installation;
const spawned: SpawnedService[] = [];

beforeEach(async () => {
  home = await install({ BOOKS_EVERY_SECONDS: '0.5' });
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  await new Worker(home).serve(REQUESTS);
});
afterEach(async () => {
  await Promise.all(spawned.splice(0).map((ledger) => ledger.end('SIGKILL')));
  await home.close();
});

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
const booksOf = async ({ url }: { readonly url: string }): Promise<BooksReport> => (await fetch(`${url}/ledger/v1/books`)).json() as Promise<BooksReport>;
const topicOf = (report: BooksReport, topic: string) => report.topics.find((one) => one.topic === topic);
const settledBooks = (ledger: { readonly url: string }): Promise<BooksReport> => eventually('nothing in flight', async () => {
  const report = await booksOf(ledger);
  return report.total.inFlight === 0 && report;
});
const ends = async (topic: EventTopic): Promise<number> => (await home.bus.admin.offsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);
const answered = (count: number) => eventually(`${count} answers`, async () => (await ends(ANSWERS)) >= count);

/** Takes the group's offsets past what is there, as a careless hand would. */
async function skip(topic: 'prediction.scored.v1' | 'outcome.observed.v1', group: string): Promise<void> {
  const subscription = await home.bus.subscribe({ topic, group, handler: async () => {} });
  await eventually('the skip', async () => (await home.bus.admin.offsets(topic, group)).every(({ high, committed = 0n }) => committed === high || high === 0n));
  await subscription.stop();
}

it('answers that the ledger skipped are missing, and so are their requests', async () => {
  const first: RunningService = await home.startLedger();
  await ask(home.bus, REQUESTS, names('s', 10));
  expect((await settledBooks(first)).balanced).toBe(true);
  await first.close();
  await ask(home.bus, REQUESTS, names('skipped', 3));
  await answered(13);
  await skip(ANSWERS, 'outcome-ledger');
  const report = await settledBooks(await home.startLedger());
  expect(report).toMatchObject({ balanced: false, total: { missing: 6, vanished: 0 } });
  expect(topicOf(report, ANSWERS)).toMatchObject({ messages: 13, recorded: 10, missing: 3 });
  expect(topicOf(report, REQUESTS)).toMatchObject({ messages: 13, scored: 10, missing: 3 });
  expect(new Set(report.missing.map(({ topic }) => topic))).toEqual(new Set([ANSWERS, REQUESTS]));
});

it('outcomes that the ledger skipped are missing', async () => {
  const first = await home.startLedger();
  await ask(home.bus, REQUESTS, names('s', 5));
  await settledBooks(first);
  await first.close();
  await home.publish(OUTCOMES, names('s', 4).map((id) => ({ key: idOf(id), data: outcome(id) })));
  await skip(OUTCOMES, 'outcome-ledger');
  const second = await home.startLedger();
  await home.publish(OUTCOMES, [{ key: idOf('s-4'), data: outcome('s-4') }]);
  expect(topicOf(await settledBooks(second), OUTCOMES)).toMatchObject({ messages: 5, joined: 1, missing: 4 });
});

it('kill -9 of the ledger in mid-load: the books balance when it is back, and nothing is counted twice', async () => {
  const start = async (): Promise<SpawnedService> => {
    const ledger = await spawnLedger({ ...home.env });
    spawned.push(ledger);
    return ledger;
  };
  const ids = names('s', 1500);
  const first = await start();
  const publishing = ask(home.bus, REQUESTS, ids);
  const outcomes = home.publish(OUTCOMES, ids.map((id) => ({ key: idOf(id), data: outcome(id) })));
  await eventually('some rows', async () => Number((await home.sql<{ n: string }>('SELECT count(*) AS n FROM prediction'))[0]?.n) > 100);
  await first.crash();
  await Promise.all([publishing, outcomes]);
  const report = await settledBooks(await start());
  expect(report).toMatchObject({ balanced: true, total: { missing: 0, vanished: 0, unrecorded: 0 } });
  expect(topicOf(report, REQUESTS)).toMatchObject({ messages: 1500, scored: 1500, copies: 0 });
  expect(topicOf(report, OUTCOMES)).toMatchObject({ messages: 1500, joined: 1500, copies: 0 });
});

it('what Kafka had deleted before the ledger first saw it can be called neither fine nor lost', async () => {
  await ask(home.bus, REQUESTS, names('s', 40));
  await answered(40);
  const config = readConfig(home.env);
  for (const topic of [REQUESTS, ANSWERS] as const) {
    const partitions = (await home.bus.admin.offsets(topic)).map(({ partition, high }) => ({ partition, offset: high / 2n }));
    await deleteRecordsBefore(config, topic, partitions);
  }
  const lows = async (topic: EventTopic) => (await home.bus.admin.offsets(topic)).reduce((sum, { low }) => sum + Number(low), 0);
  const ledger = await home.startLedger();
  await ask(home.bus, REQUESTS, names('later', 5));
  const report = await settledBooks(ledger);
  const [requestsGone, answersGone] = [await lows(REQUESTS), await lows(ANSWERS)];
  expect(requestsGone).toBeGreaterThan(10);
  expect(topicOf(report, ANSWERS)).toMatchObject({ messages: null, missing: 0, unverifiable: answersGone });
  // Requests and their answers lie in different partitions: some answers are gone whose requests are still there, and these are lost.
  const [{ n: rows }] = await home.sql<{ n: string }>('SELECT count(*) AS n FROM prediction') as [{ n: string }];
  const requests = topicOf(report, REQUESTS)!;
  expect(Number(rows)).toBe(45 - answersGone);
  expect(requests.unverifiable + requests.missing).toBe(45 - Number(rows));
});

it('a topic that was deleted and made anew under its name looks like nothing that was dealt with before: what it has by then can be called neither fine nor lost, what comes later can', async () => {
  const first = await home.startLedger();
  await home.publish(OUTCOMES, names('old', 12).map((id) => ({ key: id, data: outcome(id) })));
  expect(topicOf(await settledBooks(first), OUTCOMES)).toMatchObject({ messages: 12, pending: 12, missing: 0, unverifiable: 0 });
  await first.close();
  await deleteTopic(readConfig(home.env), OUTCOMES);
  // With a client that has never heard of the one before.
  const bus = createBus(readConfig(home.env), { clientId: 'test' });
  await eventually('the topic to be made anew', async () => (await bus.admin.createTopics()).created.includes(OUTCOMES));
  await bus.close();
  // More than it had before, so that its ends tell nothing.
  await home.publish(OUTCOMES, names('new', 60).map((id) => ({ key: id, data: outcome(id) })));
  await skip(OUTCOMES, 'outcome-ledger');
  await home.sql(`UPDATE book_partition SET seen_at = seen_at - interval '1 minute'`);
  const second = await home.startLedger();
  expect(topicOf(await settledBooks(second), OUTCOMES)).toMatchObject({ missing: 0, unverifiable: 60 });
  await home.publish(OUTCOMES, [{ key: 'taken-in', data: outcome('taken-in') }]);
  await eventually('the outcome', async () => (await home.sql('SELECT FROM outcome WHERE subject_id = $1', [idOf('taken-in')])).length === 1);
  expect(topicOf(await settledBooks(second), OUTCOMES)).toMatchObject({ missing: 0, unverifiable: 60 });
  await second.close();
  await home.publish(OUTCOMES, names('lost', 3).map((id) => ({ key: id, data: outcome(id) })));
  await skip(OUTCOMES, 'outcome-ledger');
  const report = await settledBooks(await home.startLedger());
  expect(report).toMatchObject({ balanced: false, total: { missing: 3 } });
  expect(topicOf(report, OUTCOMES)).toMatchObject({ missing: 3, unverifiable: 60 });
});

it('and nothing that is being summed up at that moment keeps what it has from then on covered', async () => {
  const first = await home.startLedger();
  const publish = (prefix: string) => home.publish(OUTCOMES, names('key', 12).map((key, index) => ({ key, data: outcome(`${prefix}-${index}`) })));
  await publish('old');
  await settledBooks(first);
  await first.close();
  await deleteTopic(readConfig(home.env), OUTCOMES);
  const bus = createBus(readConfig(home.env), { clientId: 'test' });
  await eventually('the topic to be made anew', async () => (await bus.admin.createTopics()).created.includes(OUTCOMES));
  await bus.close();
  const other = new pg.Client({ connectionString: home.env['DATABASE_URL'], options: `-c search_path=${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger` });
  await other.connect();
  await other.query('BEGIN');
  await other.query('WITH taken AS (DELETE FROM book_offsets RETURNING *) INSERT INTO book_offsets SELECT * FROM taken');
  const second = await home.startLedger();
  await eventually('the ledger to begin anew', async () => (await other.query('SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))')).rows.length > 0);
  await other.query('COMMIT');
  await other.end();
  await eventually('the books of the topic to be opened', async () => (await home.sql('SELECT FROM book_partition WHERE topic = $1 AND (epoch = 1 OR opened_offset IS NULL)', [OUTCOMES])).length === 0);
  await second.close();
  await publish('lost');
  await skip(OUTCOMES, 'outcome-ledger');
  expect(topicOf(await settledBooks(await home.startLedger()), OUTCOMES)).toMatchObject({ missing: 12, unverifiable: 0 });
});
