import { setTimeout as delay } from 'node:timers/promises';
import { freePort, startPostgres } from '@throughline/local-stack';
import { join } from 'node:path';
import pg from 'pg';
import { count, paragraphs } from '../report/format.ts';
import type { Scenario } from '../scenario.ts';
import { scoredSource } from '../setup/ledger-events.ts';
import { ledgerSchema, startLedger } from '../setup/ledger.ts';

const AWAY_SECONDS = 120;
const RATE = 1000;
const BEFORE_SECONDS = 10;
const CHUNK = 200;
const SCHEMA_PREFIX = 'o_';
const POLL_MS = 100;
const TIMEOUT_SECONDS = 120;

/** The ledger's database is killed under load and comes back two minutes later. */
export const outage: Scenario = {
  name: 'outage',
  title: `PostgreSQL away for ${AWAY_SECONDS / 60} minutes under ${count(RATE)}/s`,
  plan: () => ({ steps: 1, secondsPerStep: AWAY_SECONDS + BEFORE_SECONDS + 40 }),
  run: async (bench, step) => {
    step(`${AWAY_SECONDS + BEFORE_SECONDS} s`);
    const home = join(bench.home, 'outage-database');
    const port = await freePort();
    let postgres = await startPostgres({ home, port });
    const recorded = async (): Promise<number> => {
      const client = new pg.Client({ connectionString: postgres.url, options: `-c search_path=${ledgerSchema(SCHEMA_PREFIX)}` });
      await client.connect();
      try {
        return Number((await client.query<{ n: string }>('SELECT count(*) AS n FROM prediction')).rows[0]!.n);
      } finally {
        await client.end();
      }
    };
    try {
      const installation = await bench.installation();
      const ledger = await bench.keep(startLedger(bench, { prefix: installation.prefix, schemaPrefix: SCHEMA_PREFIX, databaseUrl: postgres.url, port: bench.ports[0] }));
      const load = produce(installation, (BEFORE_SECONDS + AWAY_SECONDS) * RATE);
      await delay(BEFORE_SECONDS * 1000);
      process.kill(-postgres.pid, 'SIGKILL');
      await postgres.exited;
      await delay(AWAY_SECONDS * 1000);
      postgres = await startPostgres({ home, port });
      const backMs = performance.now();
      const sent = await load;
      const first = await recorded();
      let firstNewSeconds = Number.NaN;
      for (;;) {
        const now = await recorded();
        const seconds = (performance.now() - backMs) / 1000;
        if (Number.isNaN(firstNewSeconds) && now > first) firstNewSeconds = seconds;
        if (now >= sent) break;
        if (seconds > TIMEOUT_SECONDS) throw new Error(`${now} of ${sent} rows ${TIMEOUT_SECONDS} s after PostgreSQL was back`);
        await delay(POLL_MS);
      }
      const recoveredSeconds = (performance.now() - backMs) / 1000;
      const isRunning = ledger.exitCode === null;
      const rows = await recorded();
      const letters = await installation.messagesIn('dead-letter.v1');
      await bench.end(ledger);
      await installation.remove();
      return {
        figures: [
          { what: `PostgreSQL killed and away for ${AWAY_SECONDS} s under ${count(RATE)}/s: answers lost`, measured: `${sent - rows} of ${count(sent)}, ${letters} dead letters; the ledger ${isRunning ? 'kept running' : 'had ended'}`, target: '0', isMet: rows === sent && letters === 0 && isRunning },
          { what: 'The same: until the first row, and until all that had gathered was recorded, from when PostgreSQL was back', measured: `${firstNewSeconds.toFixed(1)} s and ${recoveredSeconds.toFixed(1)} s`, target: 'published' },
        ],
        markdown: paragraphs(`Answers arrive at ${count(RATE)}/s throughout. PostgreSQL's processes are killed with -9 after ${BEFORE_SECONDS} s and started again on the same data ${AWAY_SECONDS} s later; \`apps/outcome-ledger/src/outages\` tries the same with outcomes and corrections, and that their order holds.`),
        raw: { ratePerSecond: RATE, awaySeconds: AWAY_SECONDS, sent, rows, letters, firstNewSeconds, recoveredSeconds },
      };
    } finally {
      await postgres.stop();
    }
  },
};

/** At a steady rate, whatever happens behind the topic. */
async function produce(installation: Awaited<ReturnType<Parameters<Scenario['run']>[0]['installation']>>, total: number): Promise<number> {
  const message = scoredSource();
  const startMs = performance.now();
  for (let sent = 0; sent < total; sent += CHUNK) {
    await installation.fill(installation.topic('prediction.scored.v1'), CHUNK, (index) => message(sent + index));
    await delay(Math.max(0, startMs + ((sent + CHUNK) / RATE) * 1000 - performance.now()));
  }
  return total;
}
