import { readFileSync } from 'node:fs';
import type { ModelDeployment } from '@throughline/contracts';
import { openDatabase, outboxMigration } from '@throughline/db';
import { eventually } from '@throughline/testing';
import { readConfig } from '../../config.js';
import { type Installation } from '../../testing/installation.js';
import { Ledger1763700000000 } from '../migrations/1-ledger.js';
import { createDay } from '../partitions.js';

type Row = Readonly<Record<string, unknown>>;

/**
 * What a ledger of the release before this one had written down of three days, read from its tables after it had taken in the messages beside it: scored by
 * champion and challenger, fallbacks, rejections, shadows, a dead-letter replay; outcomes early, corrected, copied, of two sources, by entity and window,
 * of a rejected request and of nobody's.
 */
interface ReleaseBefore {
  readonly writtenAt: string;
  /** The model's file; gives back the features that it is fed. */
  readonly artifact: string;
  readonly deployed: ModelDeployment;
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  /** In the order of their topics and partitions. */
  readonly messages: readonly { readonly topic: 'prediction.requested.v1' | 'prediction.scored.v1' | 'prediction.rejected.v1' | 'outcome.observed.v1'; readonly place: string; readonly key: string; readonly value: string; readonly headers: Readonly<Record<string, string>> }[];
}

export const releaseBefore = JSON.parse(readFileSync(new URL('release-before.json', import.meta.url), 'utf8')) as ReleaseBefore;

const DAY_MS = 86_400_000;
const INSTANTS = ['requested_at', 'answered_at', 'recorded_at', 'received_at', 'joined_at', 'next_look_at'];

/** As if the last of it had been written yesterday: nothing of it is of the future then, whatever the hour is now. */
function moved(row: Row): Row {
  const byMs = (Math.floor(Date.now() / DAY_MS) - Math.floor(Date.parse(releaseBefore.writtenAt) / DAY_MS) - 1) * DAY_MS;
  const move = (value: unknown): string => new Date(Date.parse(value as string) + byMs).toISOString();
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, name === 'day' ? move(value).slice(0, 10) : INSTANTS.includes(name) ? move(value) : value]));
}

/** Its rows, by table, as they are put into a database today. */
export const oldRows = (table: string): Row[] => (releaseBefore.tables[table] ?? []).map(moved);

/** Its schema, made by its own migrations and nothing else, with its rows. */
export async function fillAsBefore(home: Installation): Promise<void> {
  const database = await openDatabase({ schema: 'outcome_ledger', settings: readConfig(home.env), migrations: [outboxMigration, Ledger1763700000000], maxConnections: 1 });
  try {
    for (const day of new Set(oldRows('prediction').map((row) => row['day'] as string))) await database.transaction((manager) => createDay(manager, day));
    for (const table of Object.keys(releaseBefore.tables)) {
      await database.query(`INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT r.* FROM json_populate_recordset(NULL::${table}, $1) r`, [JSON.stringify(oldRows(table))]);
    }
    await database.query(`SELECT setval(pg_get_serial_sequence('served_version', 'id'), (SELECT max(id) FROM served_version))`);
  } finally {
    await database.destroy();
  }
}

const GROUPS = { 'prediction.requested.v1': 'inference-worker', 'prediction.scored.v1': 'outcome-ledger', 'prediction.rejected.v1': 'outcome-ledger', 'outcome.observed.v1': 'outcome-ledger' } as const;

/** Its messages at their places, with the positions that its consumers had committed. */
export async function publishAsBefore(home: Installation): Promise<void> {
  await home.publishRaw(releaseBefore.messages.map(({ topic, key, value, headers }) => ({ topic, key, value, headers })));
  await Promise.all(Object.entries(GROUPS).map(async ([topic, group]) => {
    const subscription = await home.bus.subscribe({ topic: topic as keyof typeof GROUPS, group, handler: async () => {} });
    await eventually(`the positions on ${topic}`, async () => (await home.bus.admin.offsets(topic as keyof typeof GROUPS, group)).every(({ high, committed = 0n }) => committed === high));
    await subscription.stop();
  }));
}

/** Where its messages are now; as they were, or its rows name places of others. */
export async function placesNow(home: Installation): Promise<string[]> {
  const places: string[] = [];
  for (const topic of Object.keys(GROUPS) as (keyof typeof GROUPS)[]) await home.bus.admin.scan(topic, (messages) => void places.push(...messages.map(({ partition, offset, key }) => `${topic}/${partition}/${offset} ${key?.toString()}`)));
  return places.sort();
}
export const placesBefore = (): string[] => releaseBefore.messages.map(({ topic, place, key }) => `${topic}/${place} ${key}`).sort();
