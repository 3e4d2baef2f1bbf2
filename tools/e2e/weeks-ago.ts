import { Client } from 'pg';
import type { Services } from './services.ts';

const CLOCK = new URL('./shifted-clock.mjs', import.meta.url).href;
const DAY_MS = 86_400_000;

/** Base addresses of services. */
export interface Addresses {
  readonly worker: string;
  readonly ledger: string;
}

/**
 * Runs worker and ledger with clocks that are days behind, for as long as `live` takes; then ends them. Brokers and database know no
 * other time than today's: ask over HTTP, as a Kafka request is as old as the broker says; what only they have stamped in the ledger is set back here.
 */
export async function liveWeeksAgo(services: Services, { registry, daysAgo }: { registry: string; daysAgo: number }, live: (addresses: Addresses) => Promise<void>): Promise<void> {
  const env = { REGISTRY_URL: registry, CLOCK_SHIFT_MS: String(-daysAgo * DAY_MS), NODE_OPTIONS: `--import=${CLOCK}` };
  const [worker, ledger] = await Promise.all([services.start('inference-worker', env), services.start('outcome-ledger', env)]);
  await live({ worker, ledger }).catch((error: unknown) => {
    throw new Error(`${String(error)} after:\n${services.logs().split('\n').slice(-30).join('\n')}`, { cause: error });
  });
  await services.stop('inference-worker', 'outcome-ledger');
  const database = new Client({ connectionString: process.env['DATABASE_URL'] });
  await database.connect();
  await database
    .query(`UPDATE ${services.schemaPrefix}outcome_ledger.prediction SET recorded_at = recorded_at - $1 * interval '1 day', published_at = published_at - $1 * interval '1 day'`, [daysAgo])
    .finally(() => database.end());
}
