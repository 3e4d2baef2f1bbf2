import { Client } from 'pg';
import type { Services } from './services.ts';

const CLOCK = new URL('./shifted-clock.mjs', import.meta.url).href;
const DAY_MS = 86_400_000;

export interface Addresses {
  readonly registry: string;
  readonly worker: string;
  readonly ledger: string;
}

/**
 * Runs registry, worker and ledger with clocks that are days behind, for as long as `live` takes; then ends them. Brokers and database know no
 * other time than today's: ask over HTTP, as a Kafka request is as old as the broker says; what only they have stamped in the ledger is set back here.
 */
export async function liveWeeksAgo(services: Services, daysAgo: number, live: (addresses: Addresses) => Promise<void>): Promise<void> {
  const env = { CLOCK_SHIFT_MS: String(-daysAgo * DAY_MS), NODE_OPTIONS: `--import=${CLOCK}` };
  const [registry, ledger] = await Promise.all([services.start('model-registry', env), services.start('outcome-ledger', env)]);
  const worker = await services.start('inference-worker', { ...env, REGISTRY_URL: registry });
  await live({ registry, worker, ledger });
  await services.stop();
  const database = new Client({ connectionString: process.env['DATABASE_URL'] });
  await database.connect();
  await database
    .query(`UPDATE ${services.schemaPrefix}outcome_ledger.prediction SET recorded_at = recorded_at - $1 * interval '1 day', published_at = published_at - $1 * interval '1 day'`, [daysAgo])
    .finally(() => database.end());
}
