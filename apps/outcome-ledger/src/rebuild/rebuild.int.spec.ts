import { eventually } from '@throughline/testing';
import type { SpawnedService } from '@throughline/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployment, idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { spawnLedger } from '../testing/spawned.js';
import type { Rebuild } from './rebuild-store.js';

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

const DECLARED = { positiveFrom: 15, valueMicroUsd: { truePositive: 5, falsePositive: -1 } };
const PERIOD = { model: 'flight-delay', from: '2001-02-01T00:00:00Z', to: '2001-03-01T00:00:00Z' };
const JOINED = 1_500;
const requestIds = Array.from({ length: JOINED }, (_, index) => `r-${index}`);
const deploy = (home: Installation, revision: number, positiveFrom: number) =>
  home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ revision, updatedAt: `2026-11-21T00:00:0${revision}Z`, outcome: { ...DECLARED, positiveFrom } }) }]);
const declared = (home: Installation, revision: number) => eventually('the declaration', async () => (await home.sql('SELECT 1 FROM outcome_declaration WHERE revision = $1', [revision])).length === 1);
const inChunks = async <T>(items: readonly T[], work: (chunk: T[]) => Promise<void>): Promise<void> => {
  for (let at = 0; at < items.length; at += 400) await work(items.slice(at, at + 400));
};
const count = async (home: Installation, from: string): Promise<number> => Number((await home.sql<{ n: string }>(`SELECT count(*) AS n FROM ${from}`))[0]!.n);

/** Delays of 0 to 19 minutes; one in three corrected by its source, some of them twice. */
async function fill(home: Installation): Promise<void> {
  await inChunks(requestIds, (chunk) => home.publish('prediction.scored.v1', chunk.map((id, index) => ({ key: id, data: scored(id, { occurredAt: new Date(Date.UTC(2001, 1, 1) + index * 60_000).toISOString() }) }))));
  const at = (id: string, index: number, sequence: number) => ({ key: id, data: outcome(id, { value: (index + sequence * 7) % 20, sequence }) });
  await inChunks(requestIds, (chunk) => home.publish('outcome.observed.v1', chunk.map((id, index) => at(id, index, 0))));
  await eventually('the joins', async () => (await count(home, 'prediction_joined')) === JOINED);
  await inChunks(requestIds.filter((_, index) => index % 3 === 0), (chunk) => home.publish('outcome.observed.v1', chunk.map((id, index) => at(id, index, 1))));
  await eventually('the corrections', async () => (await count(home, 'prediction_joined WHERE outcome_sequence = 1')) === Math.ceil(JOINED / 3) && (await count(home, 'outbox')) === 0);
}

interface Told {
  readonly id: string;
  readonly message: { readonly partition: number; readonly offset: string };
  readonly data: { readonly predictionId: string; readonly correction: boolean };
}
/** Those that came after. */
function since(before: readonly Told[], all: readonly Told[]): Told[] {
  const ends = new Map<number, number>();
  for (const { message: { partition, offset } } of before) ends.set(partition, Math.max(ends.get(partition) ?? -1, Number(offset)));
  return all.filter(({ message: { partition, offset } }) => Number(offset) > (ends.get(partition) ?? -1));
}
/** Predictions of which two consumers hold something different. */
const differing = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): string[] => [...new Set([...a.keys(), ...b.keys()])].filter((id) => JSON.stringify(a.get(id)) !== JSON.stringify(b.get(id)));
/** What a consumer that takes every event once holds at the end. */
const stateOf = (events: readonly Told[]): Map<string, unknown> => {
  const seen = new Set<string>();
  const state = new Map<string, unknown>();
  for (const { id, data } of events) {
    if (!seen.has(id)) state.set(data.predictionId, data);
    seen.add(id);
  }
  return state;
};
const told = (home: Installation): Promise<Told[]> => home.read('outcome.joined.v1');
const post = (url: string, path: string, body: object = {}): Promise<Response> => fetch(`${url}/ledger/v1/rebuilds${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const started = async (url: string): Promise<Rebuild> => (await post(url, '', PERIOD)).json() as Promise<Rebuild>;
const ended = (url: string, rebuildId: string): Promise<Rebuild> => eventually('the end', async () => {
  const rebuild = (await (await fetch(`${url}/ledger/v1/rebuilds/${rebuildId}`)).json()) as Rebuild;
  return rebuild.status !== 'running' && rebuild;
});
const published = (home: Installation) => eventually('an empty outbox', async () => (await count(home, 'outbox')) === 0);

describe('a rebuild', () => {
  let home: Installation;
  let ledger: SpawnedService;

  beforeAll(async () => {
    home = await install();
    await deploy(home, 1, 15);
    ledger = await spawnLedger(home.env);
    await fill(home);
  });
  afterAll(async () => {
    await ledger.end('SIGKILL');
    await home.close();
  });

  it('tells every join of the period once more, just as it holds: who begins to read now ends where everybody is; who has read all sees no new event', async () => {
    const before = await told(home);
    const rebuild = await ended(ledger.url, (await started(ledger.url)).rebuildId);
    await published(home);
    expect(rebuild).toMatchObject({ status: 'finished', total: JOINED, seen: JOINED, unchanged: JOINED, corrected: 0, unjudged: 0 });
    const all = await told(home);
    const retold = since(before, all);
    expect(retold).toHaveLength(JOINED);
    expect(differing(stateOf(retold), stateOf(before))).toEqual([]);
    expect(differing(stateOf(all), stateOf(before))).toEqual([]);
    const known = new Set(before.map(({ id }) => id));
    expect(retold.filter(({ id }) => !known.has(id))).toEqual([]);
    expect(retold.filter(({ data }) => data.correction)).toHaveLength(JOINED / 3);
  });

  it('judges by the declaration of today: what that changes is told as a correction under a new id, once, and the books of value follow', async () => {
    const value = async () => Number((await home.sql<{ sum: string }>('SELECT sum(value_micro_usd) FROM prediction_joined'))[0]!.sum);
    const [before, valueBefore] = [await told(home), await value()];
    await deploy(home, 2, 10);
    await declared(home, 2);
    const changed = await count(home, `prediction_joined WHERE (observed::text)::numeric >= 10 AND (observed::text)::numeric < 15`);
    const rebuild = await ended(ledger.url, (await started(ledger.url)).rebuildId);
    await published(home);
    expect(rebuild).toMatchObject({ corrected: changed, unchanged: JOINED - changed });
    const retold = since(before, await told(home));
    const known = new Set(before.map(({ id }) => id));
    expect(retold.filter(({ id }) => !known.has(id)).map(({ data }) => data.correction)).toEqual(Array<boolean>(changed).fill(true));
    expect(await value()).toBe(valueBefore + changed * 6);
    const costs = (await (await fetch(`${ledger.url}/ledger/v1/costs?model=flight-delay`)).json()) as { total?: { valueMicroUsd?: number } };
    if (costs.total?.valueMicroUsd !== undefined) expect(costs.total.valueMicroUsd).toBe(await value());
    // A second time nothing is new.
    const state = stateOf(await told(home));
    await ended(ledger.url, (await started(ledger.url)).rebuildId);
    await published(home);
    const events = await told(home);
    expect(differing(stateOf(events), state)).toEqual([]);
    expect(new Set(events.map(({ id }) => id)).size).toBe(before.length - JOINED + changed);
  });

  it('is refused while another one of the model runs, can be cancelled, and says what it does not know', async () => {
    const codeOf = async (answer: Response): Promise<unknown[]> => [answer.status, ((await answer.json()) as { code?: string }).code];
    expect(await codeOf(await post(ledger.url, '', { ...PERIOD, model: 'nobody' }))).toEqual([404, 'not_found']);
    expect(await codeOf(await post(ledger.url, '', { ...PERIOD, to: PERIOD.from }))).toEqual([400, 'invalid_request']);
    expect(await codeOf(await post(ledger.url, `/${idOf('x')}/cancel`))).toEqual([404, 'not_found']);
    const [first, second] = await Promise.all([post(ledger.url, '', PERIOD), post(ledger.url, '', PERIOD)]);
    const [accepted, refused] = first.status === 202 ? [first, second] : [second, first];
    expect(await codeOf(refused)).toEqual([409, 'conflict']);
    const { rebuildId } = (await accepted.json()) as Rebuild;
    const cancelled = (await (await post(ledger.url, `/${rebuildId}/cancel`)).json()) as Rebuild;
    expect(cancelled).toMatchObject({ status: 'cancelled', endedAt: expect.any(String) });
    expect(cancelled.seen).toBeLessThan(JOINED);
    const { rebuilds } = (await (await fetch(`${ledger.url}/ledger/v1/rebuilds?model=flight-delay`)).json()) as { rebuilds: Rebuild[] };
    expect(rebuilds.map(({ status }) => status)).toEqual(['cancelled', 'finished', 'finished', 'finished']);
    await published(home);
  });

  it('goes on where it was when the ledger is killed in its midst: all are there, and none is told under another id', async () => {
    const before = await told(home);
    const { rebuildId } = await started(ledger.url);
    await eventually('the midst', async () => (await count(home, `rebuild WHERE rebuild_id = '${rebuildId}' AND seen > 0`)) === 1);
    await ledger.crash();
    expect(await count(home, `rebuild WHERE rebuild_id = '${rebuildId}' AND status = 'running'`)).toBe(1);
    ledger = await spawnLedger(home.env);
    expect(await ended(ledger.url, rebuildId)).toMatchObject({ status: 'finished', seen: JOINED, unchanged: JOINED });
    await published(home);
    // Who dies between publishing and deleting publishes twice.
    const retold = since(before, await told(home));
    expect(differing(stateOf(retold), stateOf(before))).toEqual([]);
    expect(new Set(retold.map(({ id }) => id)).size).toBe(JOINED);
  });
});
