import { eventually } from '@throughline/testing';
import type { SpawnedService } from '@throughline/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { spawnLedger } from '../testing/spawned.js';
import { OwnPostgres, SmallDisk } from './own-postgres.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** Long enough for connections to time out and for every backoff to reach its limit. */
const AWAY_MS = 12_000;
const PREDICTIONS = 6000;
const CHUNK = 250;

let postgres: OwnPostgres;
let home: Installation;
let ledger: SpawnedService;
const schema = (): string => `${home.env['DATABASE_SCHEMA_PREFIX']}outcome_ledger`;
const count = async (table: string): Promise<number> => Number((await postgres.query<{ n: string }>(`SELECT count(*) AS n FROM ${schema()}.${table}`))[0]!.n);
const names = (prefix: string, many: number): string[] => Array.from({ length: many }, (_, index) => `${prefix}-${index}`);
const statusOf = async (path: string): Promise<number> => (await fetch(`${ledger.url}${path}`)).status;

/** Each prediction and, behind it, three statements of its outcome, one correcting the other. */
async function publish(requestIds: readonly string[], onChunk: (sent: number) => Promise<void> = async () => {}): Promise<void> {
  for (let at = 0; at < requestIds.length; at += CHUNK) {
    const chunk = requestIds.slice(at, at + CHUNK);
    await home.publish('prediction.scored.v1', chunk.map((requestId) => ({ key: requestId, data: scored(requestId) })));
    await home.publish('outcome.observed.v1', [0, 1, 2].flatMap((sequence) => chunk.map((requestId) => ({ key: idOf(requestId), data: outcome(requestId, { sequence, value: sequence === 1 }) }))));
    await onChunk(at + chunk.length);
  }
}

/** Joins are told in the order in which a source corrected itself; a relay that was interrupted may repeat one, never go back. */
async function expectOrderKept(): Promise<void> {
  const newest = new Map<string, number>();
  const seen = new Set<string>();
  for (const { id, data } of await home.read('outcome.joined.v1')) {
    if (seen.has(id)) continue;
    seen.add(id);
    expect(data.sequence).toBeGreaterThan(newest.get(data.predictionId) ?? -1);
    newest.set(data.predictionId, data.sequence);
  }
  expect(new Set(newest.values())).toEqual(new Set([2]));
}

async function start(): Promise<void> {
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
  ledger = await spawnLedger(home.env);
}

afterEach(async () => {
  await ledger.end('SIGKILL');
  await home.close();
});

describe('PostgreSQL goes away in the midst of the load', () => {
  beforeAll(async () => {
    postgres = await OwnPostgres.start();
  });
  afterAll(() => postgres.close());

  it('costs time only: everything is recorded once, corrections keep their order, and nobody restarts the ledger', async () => {
    home = await install({ DATABASE_URL: postgres.url });
    await start();
    const requestIds = names('away', PREDICTIONS);
    await publish(requestIds, async (sent) => {
      if (sent !== PREDICTIONS / 2) return;
      await eventually('some rows', async () => (await count('prediction')) > 0);
      await postgres.cut();
      await eventually('the ledger says that it is not ready', async () => (await statusOf('/health/ready')) === 503);
      expect(await statusOf('/health/live')).toBe(200);
      const story = await fetch(`${ledger.url}/ledger/v1/predictions/${idOf('away-0')}`);
      expect([story.status, ((await story.json()) as { code: string }).code]).toEqual([503, 'unavailable']);
    });
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    await postgres.restore();
    await eventually('every join', async () => (await count('prediction_joined').catch(() => 0)) === PREDICTIONS, 60_000);
    await eventually('every statement', async () => (await count('outcome')) === 3 * PREDICTIONS, 60_000);
    await eventually('an empty outbox', async () => (await count('outbox')) === 0);
    expect(await count('prediction')).toBe(PREDICTIONS);
    expect(await home.deadLetters()).toEqual([]);
    expect(await statusOf('/health/ready')).toBe(200);
    await expectOrderKept();
  });
});

const whyNot = SmallDisk.whyNot();
if (whyNot !== undefined) process.stderr.write(`SKIPPED: a full disk is not tried, because ${whyNot}\n`);

describe.skipIf(whyNot !== undefined)('the disk of the tables is full', () => {
  let disk: SmallDisk;
  beforeAll(async () => {
    postgres = await OwnPostgres.start();
    disk = SmallDisk.mount(16);
    disk.giveToOwnerOf(postgres.dataFolder);
    // The write-ahead log keeps its own disk: without room for that there is no server at all.
    await postgres.query(`CREATE TABLESPACE small LOCATION '${disk.folder}'`);
  });
  afterAll(async () => {
    await postgres.close();
    disk.unmount();
  });

  it('nothing is lost or given up: the ledger waits, says so, and goes on when there is room', async () => {
    await postgres.query(`ALTER DATABASE throughline SET default_tablespace = small`);
    home = await install({ DATABASE_URL: postgres.url });
    await start();
    const requestIds = names('full', PREDICTIONS);
    await publish(requestIds);
    await eventually('a batch that is tried again for want of room', async () => /handler_retries_total\{[^}]*code="unavailable"[^}]*\} [1-9]/.test(await (await fetch(`${ledger.url}/metrics`)).text()), 60_000);
    expect(await count('outcome')).toBeLessThan(3 * PREDICTIONS);
    expect(await home.deadLetters()).toEqual([]);
    // What is there can be read all the while.
    const [row] = await postgres.query<{ id: string }>(`SELECT prediction_id AS id FROM ${schema()}.prediction LIMIT 1`);
    if (row !== undefined) expect(await statusOf(`/ledger/v1/predictions/${row.id}`)).toBe(200);
    disk.grow(400);
    await eventually('every join', async () => (await count('prediction_joined')) === PREDICTIONS, 60_000);
    await eventually('every statement', async () => (await count('outcome')) === 3 * PREDICTIONS, 60_000);
    await eventually('an empty outbox', async () => (await count('outbox')) === 0);
    expect(await count('prediction')).toBe(PREDICTIONS);
    expect(await home.deadLetters()).toEqual([]);
    await expectOrderKept();
  });
});
