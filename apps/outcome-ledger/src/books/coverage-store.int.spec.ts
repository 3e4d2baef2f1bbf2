import { randomBytes } from 'node:crypto';
import { openDatabase, outboxMigration } from '@throughline/db';
import type { DataSource } from 'typeorm';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LEDGER_MIGRATIONS } from '../store/migrations.js';
import { CoverageStore } from './coverage-store.js';
import type { Span } from './domain/spans.js';
import { enterInBooks } from './entries.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const TOPIC = 'prediction.requested.v1';
const MILLION = 1_000_000;
/** What a round or an answer may take on a busy machine of two cores; the figures in docs/ledger.md are a quarter of it and less. */
const BOUND_MS = 10_000;
let dataSource: DataSource;
let coverage: CoverageStore;
const schemaPrefix = `t${randomBytes(4).toString('hex')}_`;

beforeAll(async () => {
  dataSource = await openDatabase({ schema: 'outcome_ledger', migrations: [outboxMigration, ...LEDGER_MIGRATIONS], settings: { DATABASE_URL: process.env['DATABASE_URL'], DATABASE_SCHEMA_PREFIX: schemaPrefix } });
  coverage = new CoverageStore(dataSource);
});
afterAll(async () => {
  await dataSource.query(`DROP SCHEMA ${schemaPrefix}outcome_ledger CASCADE`);
  await dataSource.destroy();
});

const span = (from: number, to: number, topic = TOPIC): Span => ({ topic, partition: 0, kind: 'settled', hourMs: undefined, from, to });
const places = (offsets: readonly number[], topic = TOPIC): string[] => offsets.map((offset) => `${topic}/0/${offset}`);
const timed = async <R>(work: () => Promise<R>): Promise<{ tookMs: number; result: R }> => {
  const startMs = performance.now();
  const result = await work();
  return { tookMs: performance.now() - startMs, result };
};

it('sums stay the same when what several transactions said becomes one row, also by two at a time', async () => {
  const topic = 'outcome.observed.v1';
  for (const offsets of [[0, 1, 2], [2, 3, 7], [7, 20_000], [5]]) await enterInBooks(dataSource.manager, { handled: places(offsets, topic), deadLetters: places(offsets.slice(0, 1), topic) });
  const before = await coverage.coveredOf([span(0, 30_000, topic), span(3, 6, topic)]);
  expect(before).toEqual([{ handled: 7, deadLetters: 4 }, { handled: 2, deadLetters: 1 }]);
  await Promise.all([coverage.sumUp(), coverage.sumUp(), enterInBooks(dataSource.manager, { handled: places([4], topic) })]);
  await coverage.sumUp();
  expect(await coverage.coveredOf([span(0, 30_000, topic)])).toEqual([{ handled: 8, deadLetters: 4 }]);
  expect(await coverage.gapsOf(span(0, 30_000, topic), 2)).toEqual([{ topic, partition: 0, from: 6, to: 7 }, { topic, partition: 0, from: 8, to: 20_000 }]);
  const [{ n }] = await dataSource.query(`SELECT count(*)::int AS n FROM book_offsets WHERE topic = $1`, [topic]);
  expect(n).toBe(3);
});

it('every second of a million requests missing: entering, summing up, counting and listing stay bounded', async () => {
  const entering = await timed(async () => {
    for (let at = 0; at < MILLION; at += 2000) await enterInBooks(dataSource.manager, { handled: places(Array.from({ length: 1000 }, (_, index) => at + index * 2)) });
  });
  const summing = await timed(() => coverage.sumUp());
  const again = await timed(async () => {
    await enterInBooks(dataSource.manager, { handled: places([MILLION]) });
    await coverage.sumUp();
  });
  const counting = await timed(() => coverage.coveredOf([span(0, MILLION)]));
  const listing = await timed(() => coverage.gapsOf(span(0, MILLION), 100));
  expect(counting.result).toEqual([{ handled: MILLION / 2, deadLetters: 0 }]);
  expect(listing.result).toHaveLength(100);
  expect(listing.result[0]).toMatchObject({ from: 1, to: 2 });
  for (const { tookMs } of [summing, again, counting, listing]) expect(tookMs).toBeLessThan(BOUND_MS);
  // A batch of a thousand into the worst of sets.
  expect(entering.tookMs / 500).toBeLessThan(100);
  if (process.env['PRINT_FIGURES'] !== undefined) process.stderr.write(`${JSON.stringify({ enteringMsABatch: entering.tookMs / 500, summingMs: summing.tookMs, againMs: again.tookMs, countingMs: counting.tookMs, listingMs: listing.tookMs })}\n`);
});
