import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { eventually } from '@throughline/testing';
import type { SpawnedService } from '@throughline/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, scored } from './testing/events.js';
import { install, type Installation } from './testing/installation.js';
import { spawnLedger } from './testing/spawned.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let home: Installation;
let running: SpawnedService[] = [];

const start = async (env: NodeJS.ProcessEnv = {}): Promise<SpawnedService> => {
  const ledger = await spawnLedger({ ...home.env, ...env });
  running.push(ledger);
  return ledger;
};

beforeEach(async () => {
  home = await install();
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment() }]);
});
afterEach(async () => {
  await Promise.all(running.map((ledger) => ledger.end('SIGKILL')));
  running = [];
  await home.close();
});

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `r-${index}`);
const inChunks = async <T>(items: readonly T[], work: (chunk: T[]) => Promise<void>): Promise<void> => {
  for (let at = 0; at < items.length; at += 250) await work(items.slice(at, at + 250));
};
const publishPredictions = (requestIds: readonly string[]) => inChunks(requestIds, (chunk) => home.publish('prediction.scored.v1', chunk.map((requestId) => ({ key: requestId, data: scored(requestId) }))));
const publishOutcomes = (requestIds: readonly string[]) => inChunks(requestIds, (chunk) => home.publish('outcome.observed.v1', chunk.map((requestId) => ({ key: idOf(requestId), data: outcome(requestId) }))));
const count = async (table: string): Promise<number> => Number((await home.sql<{ n: string }>(`SELECT count(*) AS n FROM ${table}`))[0]?.n);
const reaches = (table: string, target: number) => eventually(`${target} rows of ${table}`, async () => (await count(table)) >= target, 90_000);

async function expectExactlyOneOfEach(requestIds: readonly string[]): Promise<void> {
  expect(await count('prediction')).toBe(requestIds.length);
  expect(await count('outcome')).toBe(requestIds.length);
  expect(await count('prediction_joined')).toBe(requestIds.length);
  await eventually('an empty outbox', async () => (await count('outbox')) === 0);
  const told = (await home.read('outcome.joined.v1')).map(({ id, data }) => ({ id, predictionId: data.predictionId, correction: data.correction }));
  expect(new Set(told.map(({ predictionId }) => predictionId))).toEqual(new Set(requestIds.map(idOf)));
  // A relay that died may tell an event twice, under the same id; it never makes a second event of one join.
  expect(new Set(told.map(({ id }) => id)).size).toBe(requestIds.length);
  expect(told.filter(({ correction }) => correction)).toEqual([]);
  expect(await home.deadLetters()).toEqual([]);
}

it('both sides at once, through two processes: none of many predictions misses its outcome, and each is joined once', async () => {
  await Promise.all([start(), start()]);
  const requestIds = names(8000);
  await Promise.all([publishPredictions(requestIds), publishOutcomes(requestIds.toReversed())]);
  await reaches('prediction_joined', requestIds.length);
  await expectExactlyOneOfEach(requestIds);
});

it('kill -9 in the midst of many, twice: after the restart exactly one row and one join of each', async () => {
  const requestIds = names(8000);
  const first = await start();
  const publishing = Promise.all([publishPredictions(requestIds), publishOutcomes(requestIds)]);
  await reaches('prediction', 500);
  await first.crash();
  const second = await start();
  await reaches('prediction_joined', 2000);
  await second.crash();
  await publishing;
  await start();
  await reaches('prediction_joined', requestIds.length);
  await reaches('prediction', requestIds.length);
  await expectExactlyOneOfEach(requestIds);
});

it('a crash after the commit and before the publication loses no outcome.joined', async () => {
  const first = await start();
  // Whoever holds the relay's lock publishes; while the test holds it, commits pile up in the outbox.
  await eventually('the relay to let go', async () => {
    const [row] = await home.sql<{ locked: boolean }>(`SELECT pg_try_advisory_lock(hashtextextended('outbox ' || current_schema(), 0)) AS locked`);
    if (row?.locked) return true;
    await home.sql(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND granted AND (classid::bigint << 32 | objid::bigint) = hashtextextended('outbox ' || current_schema(), 0)`);
    return false;
  });
  const requestIds = names(300);
  await publishPredictions(requestIds);
  await publishOutcomes(requestIds);
  await reaches('prediction_joined', requestIds.length);
  expect(await home.read('outcome.joined.v1')).toEqual([]);
  await first.crash();
  expect(await count('outbox')).toBe(requestIds.length);
  await home.sql(`SELECT pg_advisory_unlock_all()`);
  await start();
  await eventually('an empty outbox', async () => (await count('outbox')) === 0);
  await expectExactlyOneOfEach(requestIds);
});

it('while the database is away nothing is lost, nothing becomes a dead letter, and order holds', async () => {
  const proxy = await databaseProxy(home.env['DATABASE_URL'] as string);
  await start({ DATABASE_URL: proxy.url });
  await publishPredictions(names(200));
  await reaches('prediction', 200);
  proxy.cut();
  const requestIds = names(1000).slice(200);
  await publishPredictions(requestIds);
  await inChunks(requestIds, (chunk) => home.publish('prediction.scored.v1', chunk.map((requestId) => ({ key: requestId, data: scored(requestId, { score: 0.1 }) }))));
  await publishOutcomes(names(1000));
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await proxy.mend();
  await reaches('prediction_joined', 1000);
  expect(await home.sql(`SELECT DISTINCT score FROM prediction`)).toEqual([{ score: 0.75 }]);
  await expectExactlyOneOfEach(names(1000));
  await proxy.close();
});

/** A way to the database that can be cut. */
async function databaseProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const forward = (client: Socket): void => {
    const server = connect(Number(target.port), target.hostname);
    for (const [from, to] of [[client, server], [server, client]] as const) {
      sockets.add(from);
      from.on('error', () => undefined).on('close', () => (sockets.delete(from), to.destroy())).pipe(to);
    }
  };
  let listener = createServer(forward).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const cut = (): void => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.toString(),
    cut,
    mend: async () => {
      listener = createServer(forward).listen(port, '127.0.0.1');
      await once(listener, 'listening');
    },
    close: async () => cut(),
  };
}
