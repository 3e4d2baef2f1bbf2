import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startRegistry, type TestRegistry } from '../recompute/testing/registry.js';
import { idOf, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { fillAsBefore, oldRows, placesBefore, placesNow, publishAsBefore, releaseBefore } from './testing/release-before.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let home: Installation;
let registry: TestRegistry;
let ledger: RunningService;
let folder: string;
const MODEL = 'flight-delay';
const { champion } = releaseBefore.deployed;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledger-upgrade-'));
  registry = await startRegistry();
  registry.version('1', Buffer.from(releaseBefore.artifact, 'base64'), champion!.signature);
  home = await install({ REGISTRY_URL: registry.url, THROUGHLINE_HOME: folder, BOOKS_EVERY_SECONDS: '0.5', LEDGER_HASH_KEY: 'a secret that nobody would ever guess' });
  await publishAsBefore(home);
  expect(await placesNow(home)).toEqual(placesBefore());
  await fillAsBefore(home);
  await home.publish('model.deployment.v1', [{ key: MODEL, data: { ...releaseBefore.deployed, revision: 2, outcome: { maturitySeconds: 60 } } }]);
  ledger = await home.startLedger();
});
afterAll(async () => {
  await home?.close();
  registry?.close();
  await rm(folder, { recursive: true, force: true });
});

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are plain JSON
const call = async (path: string, body?: unknown): Promise<any> =>
  (await fetch(`${ledger.url}/ledger/v1${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })).json();
const story = (requestId: string) => call(`/predictions/${idOf(requestId)}`);
const recompute = (requestId: string) => call(`/predictions/${idOf(requestId)}/recompute`, {});
const FROM_DAYS_AGO = new Date(Date.now() - 6 * 86_400_000).toISOString();
const books = () => call(`/books?from=${FROM_DAYS_AGO}`);
const sorted = (rows: readonly object[]): string[] => rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();

it('every row of the release before is there as it was, column by column', async () => {
  for (const table of Object.keys(releaseBefore.tables).filter((name) => name !== 'correlation')) {
    const old = oldRows(table);
    const columns = [...new Set(old.flatMap((row) => Object.keys(row)))];
    const now = await home.sql<{ row: object }>(`SELECT row_to_json(t) AS row FROM (SELECT ${columns.join(', ')} FROM ${table}) t`);
    const before = await home.sql<{ row: object }>(`SELECT row_to_json(t) AS row FROM (SELECT ${columns.join(', ')} FROM json_populate_recordset(NULL::${table}, $1)) t`, [JSON.stringify(old)]);
    expect([table, ...sorted(now.map(({ row }) => row))]).toEqual([table, ...sorted(before.map(({ row }) => row))]);
  }
  expect(await home.sql('SELECT prediction_id IS NOT NULL AS found FROM correlation ORDER BY 1')).toEqual([{ found: false }, { found: true }]);
});

it('old predictions are told, with what nobody had written down left out', async () => {
  expect(await story('s2-1')).toMatchObject({
    state: 'scored', request: { id: 's2-1', team: 'growth', routingKey: 'key-1' }, values: 'kept', answer: { version: '1', score: 0.25 }, outcome: { value: true, correct: false, source: 'arrivals' },
    features: [{ name: 'lateness', value: 0.25 }, { name: 'distance', value: 0, defaulted: true }, { name: 'recent_delay', view: 'airport@2', ageSeconds: 12.5 }],
  });
  expect(await story('f1')).toMatchObject({ state: 'fallback', answer: { fallback: { kind: 'constant', reason: 'model_failed' } }, outcome: { correct: true } });
  expect(await story('r1')).toMatchObject({ state: 'rejected', rejection: { code: 'feature_missing' }, outcomes: [{ value: true }] });
  expect(await story('again')).toMatchObject({ request: { attempt: 1 }, answer: { score: 0.25 }, outcome: { correct: true } });
  expect(await story('s1-0')).toMatchObject({ shadows: [{ version: '3', score: 0.4 }], outcome: { sequence: 1, value: true } });
  expect(await story('nobody-asked')).toMatchObject({ state: 'awaited' });
  expect((await call(`/predictions?model=${MODEL}&wrong=true`)).predictions).toHaveLength(2);
  expect((await call(`/predictions?model=${MODEL}&entity=origin:SFO`)).predictions.length).toBeGreaterThan(0);
});

it('old answers are computed again, bit for bit', async () => {
  for (const name of ['s2-0', 's1-1', 'again']) expect({ name, differences: [], ...(await recompute(name)) }).toMatchObject({ name, differences: [], status: 'equal', valuesCompared: 3 });
  expect(await recompute('f1')).toMatchObject({ status: 'not_computed' });
  expect(await recompute('r1')).toMatchObject({ status: 'rejected' });
});

it('labels count old outcomes', async () => {
  const report = await call(`/labels?model=${MODEL}&from=2001-01-01T00:00:00Z&to=2001-03-01T00:00:00Z`);
  expect(report).toMatchObject({ total: { predictions: 17, labelled: 7 } });
});

it('the books of messages balance: of what was dealt with before there were books, nothing is missing', async () => {
  const report = await eventually('the books', async () => {
    const found = await books();
    return found.total.inFlight === 0 && found;
  });
  expect(report.missing).toEqual([]);
  expect(report).toMatchObject({ balanced: true, total: { missing: 0, vanished: 0, unrecorded: 0 } });
});

it('the books of money know every old answer, what it said that it cost, and whose outcome is known', async () => {
  const { total, lines } = await call('/costs?groupBy=version');
  expect(total).toMatchObject({ predictions: 17, shadows: 2, cost: { computeMicroUsd: expect.closeTo(9, 9), unmeasuredAnswers: 13 }, outcomes: { known: 7, valued: 0 } });
  expect(lines.map(({ version }: { version: string }) => version)).toEqual(['1', '2', '3']);
  expect((await call('/costs?groupBy=team')).lines.map(({ team }: { team: string | null }) => team)).toEqual([null, 'growth']);
});

it('what comes now goes on where the release before stopped', async () => {
  await home.publish('outcome.observed.v1', [
    { key: idOf('s2-1'), data: outcome('s2-1', { sequence: 1, value: false }) }, { key: idOf('s1-1'), data: outcome('s1-1') }, { key: idOf('s2-0'), data: outcome('s2-0') },
  ]);
  await home.publish('prediction.scored.v1', [{ data: scored('nobody-asked', { requestCoordinates: undefined as unknown as string, lane: 'http', artifactSha256: champion!.artifactSha256 }) }, { key: 'again', data: scored('again', { attempt: 2, artifactSha256: champion!.artifactSha256 }) }]);
  await eventually('the joins', async () => (await home.sql('SELECT FROM prediction_joined')).length === 9 && (await story('again')).request.attempt === 2);
  await eventually('the correction', async () => (await story('s2-1')).outcome.sequence === 1);
  const told = await eventually('what is told', async () => {
    const found = await home.read('outcome.joined.v1');
    return found.length === 4 && found;
  });
  expect(told.map(({ id, data }) => [id, data.correction]).sort()).toEqual([[`${idOf('s2-1')}/arrivals/1/0`, true], [`${idOf('s1-1')}/arrivals/0/0`, false], [`${idOf('nobody-asked')}/arrivals/0/0`, false], [`${idOf('again')}/arrivals/0/2`, true]].sort());
  const { total } = await call('/costs?groupBy=');
  expect(total).toMatchObject({ predictions: 18, outcomes: { known: 9 } });
  expect(await books()).toMatchObject({ balanced: true });
});

it('a period of the release before is told again, under the ids of then', async () => {
  const before = (await home.read('outcome.joined.v1')).map(({ id }) => id);
  const { rebuildId } = await call('/rebuilds', { model: MODEL, from: '2001-02-01T00:00:00Z', to: '2001-02-02T00:00:00Z' });
  const rebuild = await eventually('the rebuild', async () => {
    const found = await call(`/rebuilds/${rebuildId}`);
    return found.status === 'finished' && found;
  });
  expect(rebuild).toMatchObject({ total: 5, unchanged: 3, corrected: 0, unjudged: 0 });
  const told = await eventually('what is told', async () => {
    const found = (await home.read('outcome.joined.v1')).map(({ id }) => id);
    return found.length === before.length + 3 && found;
  });
  expect(told.sort()).toEqual([...before, `${idOf('s2-0')}/arrivals/0/0`, `${idOf('s2-1')}/arrivals/1/0`, `${idOf('s2-3')}/gate/0/0`].sort());
});

it('somebody whom the release before had written down is forgotten', async () => {
  const { erasureId } = await call('/erasures', { entityRole: 'destination', entityId: 'JFK-3', reason: 'ticket 17' });
  const done = await eventually('the erasure', async () => {
    const found = await call(`/erasures/${erasureId}/progress`);
    return found.state === 'done' && found;
  });
  expect(done.erased.predictions).toBe(3);
  expect(await story('s1-3')).toMatchObject({ values: 'erased' });
  expect(await recompute('s1-3')).toMatchObject({ status: 'erased' });
  expect(await home.sql(`SELECT FROM prediction WHERE entities @> '{"destination": "JFK-3"}'`)).toEqual([]);
});

it('old days leave when they are due, with an archive that has all that there was', async () => {
  await ledger.close();
  ledger = await home.startLedger({ ...home.env, LEDGER_RETENTION_DAYS: '1', LEDGER_ARCHIVE_DIR: join(folder, 'archive') });
  await eventually('a day to be dropped', async () => (await home.sql('SELECT FROM retired_day WHERE dropped_at IS NOT NULL')).length > 0);
  expect(await story('s2-1')).toMatchObject({ state: 'expired' });
  expect(await books()).toMatchObject({ balanced: true });
});
