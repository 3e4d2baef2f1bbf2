import type { ChildProcess } from 'node:child_process';
import type pg from 'pg';
import { bareUnnestRowsPerSecond } from '../measure/bare-unnest.ts';
import { growthOf, type Growth } from '../measure/growth.ts';
import { ratiosOf, spreadOf } from '../measure/statistics.ts';
import { count, paragraphs, ratio, spread, table } from '../report/format.ts';
import type { Outcome, Scenario, Step } from '../scenario.ts';
import type { Bench } from '../setup/bench.ts';
import { startDatabase, type Database } from '../setup/database.ts';
import { answeredId, outcomeMessage, scoredSource } from '../setup/ledger-events.ts';
import { ledgerSchema, startLedger } from '../setup/ledger.ts';

const TARGET_ROWS_PER_SECOND = 15_000;
const TARGET_RATIO = 0.6;
const TIMEOUT_MS = 300_000;
/** Of the topic: so many transactions the ledger has at a time. */
const PARTITIONS = 4;
const PARTS = ['heap', 'indexes', 'keys'] as const;

interface Round {
  readonly intake: Growth;
  readonly joins: Growth;
  readonly bare: number;
  readonly bareAtOnce: number;
  /** Bytes a prediction. */
  readonly bytes: Record<(typeof PARTS)[number], number>;
}

export const ledger: Scenario = {
  name: 'ledger',
  title: 'Ledger: intake and joins',
  plan: ({ rounds, messages }) => ({ steps: rounds * 4, secondsPerStep: 5 + messages / 12_000 }),
  run: async (bench, step) => {
    const database = await startDatabase(bench, 'ledger-database');
    try {
      const rounds: Round[] = [];
      for (let round = 0; round < bench.sizes.rounds; round++) rounds.push(await measureRound(bench, database, round, (what) => step(`round ${round + 1}: ${what}`)));
      return outcomeOf(bench, rounds);
    } finally {
      await database.stop();
    }
  },
};

async function measureRound(bench: Bench, database: Database, round: number, step: Step): Promise<Round> {
  const { messages } = bench.sizes;
  const installation = await bench.installation();
  const schemaPrefix = `r${round}_`;
  const pool = database.pool(ledgerSchema(schemaPrefix), 4);
  const options = { prefix: installation.prefix, schemaPrefix, databaseUrl: database.url, port: bench.ports[0] };
  await installation.fill(installation.topic('prediction.scored.v1'), messages, scoredSource());
  step('intake');
  const watch = (measure: string) => (child: ChildProcess) => growthOf(child, () => tallied(pool, measure), messages, TIMEOUT_MS);
  const intake = await bench.within(startLedger(bench, options), watch('scored'));
  const bytes = await bytesOf(pool, messages);
  step('bare unnest');
  const bare = await bareUnnestRowsPerSecond(pool, messages, 1);
  const bareAtOnce = await bareUnnestRowsPerSecond(pool, messages, PARTITIONS);
  await installation.fill(installation.topic('outcome.observed.v1'), messages, (index) => outcomeMessage(answeredId(index), index));
  step('joins');
  const joins = await bench.within(startLedger(bench, options), watch('joined'));
  await pool.query(`DROP SCHEMA ${ledgerSchema(schemaPrefix)} CASCADE`);
  await installation.remove();
  return { intake, joins, bare, bareAtOnce, bytes };
}

/** What the ledger has counted; summed counters, so that asking costs nothing. The schema is made by the ledger's first start. */
async function tallied(pool: pg.Pool, measure: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>('SELECT COALESCE(sum(count), 0) AS count FROM tally WHERE measure = $1', [measure]);
  return Number(rows[0]!.count);
}

async function bytesOf(pool: pg.Pool, predictions: number): Promise<Round['bytes']> {
  const sum = async (of: string, parent: string): Promise<number> => {
    const { rows } = await pool.query<{ bytes: string }>(`SELECT COALESCE(sum(${of}(relid)), 0) AS bytes FROM pg_partition_tree('${parent}') WHERE isleaf`);
    return Number(rows[0]!.bytes) / predictions;
  };
  return { heap: await sum('pg_table_size', 'prediction'), indexes: await sum('pg_indexes_size', 'prediction'), keys: await sum('pg_total_relation_size', 'prediction_key') };
}

function outcomeOf(bench: Bench, rounds: readonly Round[]): Outcome {
  const of = (read: (round: Round) => number): number[] => rounds.map(read);
  const intake = spreadOf(of(({ intake: { perSecond } }) => perSecond));
  const ofBare = ratiosOf(of(({ intake: { perSecond } }) => perSecond), of(({ bare }) => bare));
  const ofBareAtOnce = ratiosOf(of(({ intake: { perSecond } }) => perSecond), of(({ bareAtOnce }) => bareAtOnce));
  const joins = spreadOf(of(({ joins: { perSecond } }) => perSecond));
  const bytes = Object.fromEntries(PARTS.map((part) => [part, spreadOf(of((round) => round.bytes[part])).median])) as Round['bytes'];
  const total = bytes.heap + bytes.indexes + bytes.keys;
  return {
    figures: [
      { what: 'Ledger intake with all indexes, key table, tallies and books', measured: `${spread(intake, count)} rows/s`, target: `≥ ${count(TARGET_ROWS_PER_SECOND)}`, isMet: intake.median >= TARGET_ROWS_PER_SECOND },
      { what: 'The same beside bare `unnest` inserts of the same rows into the same columns and indexes, one statement after the other', measured: `${spread(ofBare, ratio)}; beside four at a time ${spread(ofBareAtOnce, ratio)}`, target: `≥ ${TARGET_RATIO}`, isMet: ofBare.median >= TARGET_RATIO },
      { what: 'A prediction in the ledger (30 features)', measured: `${count(total)} bytes (row ${count(bytes.heap)}, indexes ${count(bytes.indexes)}, key ${count(bytes.keys)})`, target: 'published' },
      { what: 'Outcomes joined, told through the outbox', measured: `${spread(joins, count)} joins/s`, target: 'published' },
    ],
    markdown: paragraphs(
      `${count(bench.sizes.messages)} answers of thirty features stand in the topic, then as many outcomes; one ledger process, a PostgreSQL that waits for the disk at every commit, the broker on the same machine. Counted from outside from the first tenth on; median (least–most) of ${bench.sizes.rounds} rounds. The bare inserts put the very rows that the ledger has written, 2,000 a statement, into a table of its columns and indexes; decoding, keys, tallies and books are not theirs.`,
      table(['what', 'a second', 'CPU µs each (of the ledger’s process)'], [
        ['intake', spread(intake, count), spread(spreadOf(of(({ intake: { cpuMicrosEach } }) => cpuMicrosEach)), (value) => value.toFixed(1))],
        ['bare `unnest`, one statement after the other', spread(spreadOf(of(({ bare }) => bare)), count), ''],
        ['bare `unnest`, four at a time', spread(spreadOf(of(({ bareAtOnce }) => bareAtOnce)), count), ''],
        ['joins', spread(joins, count), spread(spreadOf(of(({ joins: { cpuMicrosEach } }) => cpuMicrosEach)), (value) => value.toFixed(1))],
      ]),
    ),
    raw: { messages: bench.sizes.messages, rounds },
  };
}
