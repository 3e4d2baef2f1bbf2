import { createHash } from 'node:crypto';
import { growthOf } from '../measure/growth.ts';
import { percentilesOf } from '../measure/statistics.ts';
import { count, ms, paragraphs, table } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import { startDatabase } from '../setup/database.ts';
import { outcomeMessage } from '../setup/ledger-events.ts';
import { ledgerSchema, startLedger } from '../setup/ledger.ts';
import { fillPredictions } from '../setup/many-predictions.ts';

const SCHEMA_PREFIX = 'large_';
const STORIES = 2000;
const STORY_TARGET_MS = 20;
const MEMORY_TARGET_BYTES = 1024 ** 3;
const JOIN_TIMEOUT_MS = 900_000;
const FILL_ROWS_PER_SECOND = 20_000;

const idOf = (number: number): string => {
  const hex = createHash('md5').update(`many-${number}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
};

/** Spread over all rows, each number once. */
const scattered = (index: number, rows: number): number => 1 + ((index * 7_368_787) % rows);

export const ledgerLarge: Scenario = {
  name: 'ledger-large',
  title: 'Ledger with ten million predictions',
  isLarge: true,
  plan: ({ largeRows }) => ({ steps: 4, secondsPerStep: 30 + largeRows / FILL_ROWS_PER_SECOND / 4 }),
  run: async (bench, step) => {
    const { largeRows, largeOutcomes } = bench.sizes;
    const database = await startDatabase(bench, 'ledger-large-database');
    const pool = database.pool(ledgerSchema(SCHEMA_PREFIX), 4);
    try {
      const installation = await bench.installation();
      const options = { prefix: installation.prefix, schemaPrefix: SCHEMA_PREFIX, databaseUrl: database.url, port: bench.ports[0] };
      // Its first start makes the schema and today's partitions.
      await bench.within(startLedger(bench, options), async () => {});
      step(`${count(largeRows)} rows into PostgreSQL`);
      await fillPredictions(pool, largeRows, (done) => process.stderr.write(`    ${count(done)} rows\r`));
      step('stories');
      const storiesMs = await bench.within(startLedger(bench, options), () => stories(options.port, largeRows));
      step(`${count(largeOutcomes)} outcomes into the topic`);
      await installation.fill(installation.topic('outcome.observed.v1'), largeOutcomes, (index) => outcomeMessage(idOf(scattered(index, largeRows)), index));
      step('joins');
      const joins = await bench.within(startLedger(bench, options), (child) =>
        growthOf(child, async () => Number((await pool.query<{ n: string }>(`SELECT COALESCE(sum(count), 0) AS n FROM tally WHERE measure = 'joined'`)).rows[0]!.n), largeOutcomes, JOIN_TIMEOUT_MS));
      await installation.remove();
      const story = percentilesOf(storiesMs);
      const mebibytes = joins.peakBytes / 2 ** 20;
      return {
        figures: [
          { what: `Story by id at ${count(largeRows)} predictions, p99`, measured: `${ms(story.p99Ms)} ms (p50 ${ms(story.p50Ms)})`, target: `< ${STORY_TARGET_MS} ms`, isMet: story.p99Ms < STORY_TARGET_MS },
          { what: `Join of ${count(largeOutcomes)} outcomes to the keys of ${count(largeRows)} predictions`, measured: `${count(joins.perSecond)} joins/s, ledger at most ${count(mebibytes)} MiB`, target: 'memory below 1 GiB', isMet: joins.peakBytes < MEMORY_TARGET_BYTES },
        ],
        markdown: paragraphs(
          `The rows are made by PostgreSQL with the columns, indexes and keys of the intake; stories are asked one after the other for ids scattered over all of them, over HTTP, on a PostgreSQL with its default settings. Outcomes stand in the topic and belong to scattered predictions; each join is told through the outbox.`,
          table(['story', 'p50 ms', 'p90 ms', 'p99 ms', 'most ms'], [[count(story.count), ms(story.p50Ms), ms(story.p90Ms), ms(story.p99Ms), ms(story.maxMs)]]),
        ),
        raw: { largeRows, largeOutcomes, story, joins },
      };
    } finally {
      await database.stop();
    }
  },
};

/** Milliseconds of each; the first hundred only warm the process up. */
async function stories(port: number, rows: number): Promise<number[]> {
  const taken: number[] = [];
  for (let index = -100; index < STORIES; index++) {
    const startMs = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/ledger/v1/predictions/${idOf(scattered(index + 100, rows))}`);
    const story = (await answer.json()) as { state?: string };
    if (story.state !== 'scored') throw new Error(`a story was ${answer.status} ${JSON.stringify(story).slice(0, 200)}`);
    if (index >= 0) taken.push(performance.now() - startMs);
  }
  return taken;
}
