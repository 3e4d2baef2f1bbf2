import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBus } from '@throughline/bus';
import { logisticRegressionGraph, readSignature } from '@throughline/onnx';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../config.js';
import { startRegistry, type TestRegistry } from '../recompute/testing/registry.js';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { spawnLedger } from '../testing/spawned.js';
import type { Backtest } from './backtests.js';
import type { BacktestReport } from './domain/tally.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let home: Installation;
let registry: TestRegistry;
let ledger: RunningService;
let folder: string;

const MODEL = 'flight-delay';
const FEATURES = [{ name: 'hour', kind: 'numeric' as const }, { name: 'distance', kind: 'numeric' as const }];
const graphOf = (weights: number[]): Uint8Array => logisticRegressionGraph({ weights, bias: 0, mean: [0, 0], scale: [1, 1], featureNames: ['hour', 'distance'] });
const scoreOf = ([a, b]: readonly [number, number], hour: number, distance: number): number => 1 / (1 + Math.exp(-(a * hour + b * distance)));
const WEIGHTS = { 1: [0.1, -0.01], 2: [0.12, -0.015], 3: [1, 1] } as const;
/** Of each row: what it is about, and the arm that answers it. */
const rows = Array.from({ length: 3_000 }, (_, index) => ({ id: `b-${index}`, hour: index % 24, distance: (index * 37) % 300, isChallenger: (index * 7919) % 10 < 3 }));
const truthOf = ({ hour, distance }: { hour: number; distance: number }): boolean => scoreOf([0.11, -0.012], hour, distance) + ((hour * 31 + distance * 17) % 100) / 250 > 0.7;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledger-backtest-'));
  registry = await startRegistry();
  home = await install({ REGISTRY_URL: registry.url, THROUGHLINE_HOME: folder });
  const versions = ([1, 2, 3] as const).map((number) => {
    const bytes = graphOf([...WEIGHTS[number]]);
    const signature = { ...readSignature(bytes), features: FEATURES, score: { output: 'probability', index: 0, threshold: 0.5 }, task: 'binary_classification' as const };
    const served = registry.version(String(number), bytes, signature);
    registry.documents.set(`/registry/v1/models/${MODEL}/versions/${number}`, { ...served, ...(number === 3 ? { archivedAt: '2026-11-01T00:00:00Z' } : {}) });
    return served;
  });
  await home.publish('model.deployment.v1', [{ key: MODEL, data: deployment({ champion: versions[0]!, challengers: [{ ...versions[1]!, share: 0.3 }], splitSalt: 's', outcome: { valueMicroUsd: { truePositive: 100, falsePositive: -40, falseNegative: -60 } } }) }]);
  ledger = await home.startLedger();
  await home.publish('prediction.scored.v1', rows.map(({ id, hour, distance, isChallenger }, index) => {
    const served = versions[isChallenger ? 1 : 0]!;
    const score = Math.fround(scoreOf(WEIGHTS[isChallenger ? 2 : 1], hour, distance));
    return { key: id, data: scored(id, { version: served.version, artifactSha256: served.artifactSha256, role: isChallenger ? 'challenger' : 'champion', propensity: isChallenger ? 0.3 : 0.7, score, routingKey: `key-${index % 900}`, features: { values: [hour, distance] }, occurredAt: new Date(Date.UTC(2001, 1, 1) + index * 1000).toISOString() }) };
  }));
  await home.publish('prediction.rejected.v1', [{ data: rejected('refused', { occurredAt: '2001-02-01T00:00:01Z' }) }]);
  await home.publish('outcome.observed.v1', rows.filter((_, index) => index % 5 !== 0).map((row) => ({ key: row.id, data: outcome(row.id, { value: truthOf(row) }) })));
  await eventually('the joins', async () => ((await (await fetch(`${ledger.url}/ledger/v1/summary`)).json()) as { joined: number }).joined === 2_400);
});
afterAll(async () => {
  await home?.close();
  registry?.close();
  rmSync(folder, { recursive: true, force: true });
});

const PERIOD = { model: MODEL, from: '2001-02-01T00:00:00Z', to: '2001-03-01T00:00:00Z' };
const post = (path: string, body: unknown = {}): Promise<Response> => fetch(`${ledger.url}/ledger/v1/backtests${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const read = async (id: string): Promise<Backtest> => (await fetch(`${ledger.url}/ledger/v1/backtests/${id}`)).json() as Promise<Backtest>;
const start = async (body: object): Promise<Backtest> => {
  const answer = await post('', { ...PERIOD, ...body });
  expect(answer.status).toBe(201);
  return (await answer.json()) as Backtest;
};
const ended = (id: string): Promise<Backtest> => eventually(`backtest ${id}`, async () => {
  const found = await read(id);
  return found.status !== 'queued' && found.status !== 'running' && found;
});
const reportOf = async (body: object): Promise<BacktestReport> => {
  const found = await ended((await start(body)).backtestId);
  expect(found).toMatchObject({ status: 'done', error: null });
  return found.report!;
};
const fileOf = async (id: string): Promise<Record<string, unknown>[]> => parquetReadObjects({ file: await (await fetch(`${ledger.url}/ledger/v1/backtests/${id}/rows`)).arrayBuffer() });
const codeOf = async (answer: Response): Promise<unknown> => ((await answer.json()) as { code?: unknown }).code;

describe('a backtest of a version', () => {
  it('says how it would have decided, row by row as the model does, and what that would have earned', async () => {
    const { backtestId } = await start({ candidate: { version: '2' } });
    const done = await ended(backtestId);
    expect(done).toMatchObject({ status: 'done', progress: { done: 3_000, total: 3_000 } });
    const report = done.report!;
    const decide = (version: 1 | 2, { hour, distance }: { hour: number; distance: number }): boolean => Math.fround(scoreOf(WEIGHTS[version], hour, distance)) >= 0.5;
    const valueOf = (decision: boolean, truth: boolean): number => (decision ? (truth ? 100 : -40) : truth ? -60 : 0);
    const labelled = rows.filter((_, index) => index % 5 !== 0);
    const total = (decision: (row: (typeof rows)[number]) => boolean): number => labelled.reduce((sum, row) => sum + valueOf(decision(row), truthOf(row)), 0);
    expect(report).toMatchObject({ predictions: 3_000, scored: 3_000, labelled: 2_400, measure: 'value_micro_usd' });
    expect(report.candidate.decisions.differ).toBe(rows.filter((row) => decide(2, row) !== decide(row.isChallenger ? 2 : 1, row)).length);
    expect(report.candidate.ifIndependent).toMatchObject({ labelled: 2_400, totalReward: total((row) => decide(2, row)), servedTotalReward: total((row) => decide(row.isChallenger ? 2 : 1, row)), difference: { status: 'ok' } });
    expect(report.arms.reduce((sum, { valueMicroUsd }) => sum + valueMicroUsd!, 0)).toBe(report.candidate.ifIndependent.servedTotalReward);
    expect(report.candidate.offPolicy).toMatchObject({ status: 'ok', unknownPropensity: 0 });
    expect(report.comparisons).toMatchObject([{ challenger: '2', champion: '1', difference: { status: 'ok' } }]);
    const file = await fileOf(backtestId);
    expect(file).toHaveLength(3_000);
    const [first] = rows;
    expect(file.find((row) => row['prediction_id'] === idOf(first!.id))).toMatchObject({ status: 'scored', candidate_score: expect.closeTo(scoreOf(WEIGHTS[2], first!.hour, first!.distance), 6), candidate_decision: Number(decide(2, first!)) });
    for (const row of file) if (row['version'] === '2') expect(row['candidate_score']).toBeCloseTo(row['served_score'] as number, 6);
  });

  it('may be of another threshold, and of the first predictions only', async () => {
    const report = await reportOf({ candidate: { version: '2' }, threshold: 2, limit: 500 });
    expect(report).toMatchObject({ predictions: 500, candidate: { decisions: { newlyPositive: 0 } } });
    expect(report.candidate.quality).toMatchObject({ truePositives: 0, falsePositives: 0 });
  });
});

describe('a backtest of rules', () => {
  const rules = (features: object[], expression: string) => ({ throughlineRules: 1, features, outputs: { probability: expression }, score: 'probability', threshold: 0.5 });

  it('needs no version, and counts what it cannot score instead of guessing', async () => {
    const report = await reportOf({ candidate: { rules: rules([{ name: 'hour', kind: 'numeric' }], 'hour >= 17.0 ? 0.9 : 0.1') } });
    expect(report).toMatchObject({ scored: 3_000, unscored: { feature_missing: 0 } });
    const missing = await reportOf({ candidate: { rules: rules([{ name: 'hour', kind: 'numeric' }, { name: 'weather', kind: 'numeric', default: 0 }], 'hour + weather >= 17.0 ? 0.9 : 0.1') } });
    expect(missing).toMatchObject({ scored: 0, unscored: { feature_missing: 3_000 }, arms: expect.arrayContaining([expect.objectContaining({ version: '1' })]) });
  });

  it('that fail on some rows fail on those alone', async () => {
    const report = await reportOf({ candidate: { rules: rules([{ name: 'hour', kind: 'numeric' }], '0.5 / (hour - 3.0)') } });
    expect(report.unscored.model_failed).toBe(rows.filter(({ hour }) => hour === 3).length);
    expect(report.scored).toBe(3_000 - report.unscored.model_failed);
  });

  it('leaves withheld and erased values out, each counted', async () => {
    await home.publish('prediction.scored.v1', ['w', 'e'].map((id) => ({ key: id, data: scored(id, { version: '1', artifactSha256: registryVersion('1'), features: { values: [5, 5] }, occurredAt: '2001-04-01T00:00:00Z' }) })));
    await eventually('both', async () => (await home.sql(`SELECT 1 FROM prediction WHERE occurred_at = '2001-04-01T00:00:00Z'`)).length === 2);
    await home.sql(`UPDATE prediction SET is_withheld = true, feature_extras = '{"0": null}' WHERE prediction_id = $1`, [idOf('w')]);
    await home.sql('UPDATE prediction SET erased_at = now(), features = NULL WHERE prediction_id = $1', [idOf('e')]);
    const report = await reportOf({ from: '2001-04-01T00:00:00Z', to: '2001-04-02T00:00:00Z', candidate: { version: '2' } });
    expect(report).toMatchObject({ predictions: 2, scored: 0, unscored: { withheld: 1, erased: 1 } });
  });
});

const registryVersion = (version: string): string => (registry.documents.get(`/registry/v1/models/${MODEL}/versions/${version}`) as { artifactSha256: string }).artifactSha256;

describe('what cannot be tried', () => {
  it.each([
    ['a version that the registry does not have', { version: '9' }, 404, 'unknown_version'],
    ['an archived version', { version: '3' }, 409, 'archived'],
    ['rules that are none', { rules: { throughlineRules: 1, features: [{ name: 'hour', kind: 'numeric' }], outputs: { p: 'hour +' }, score: 'p' } }, 422, 'rules_invalid'],
    ['nothing', {}, 400, 'invalid_request'],
    ['two at once', { version: '1', rules: {} }, 400, 'invalid_request'],
  ])('is said at once: %s', async (_, candidate, status, code) => {
    const answer = await post('', { ...PERIOD, candidate });
    expect([answer.status, await codeOf(answer)]).toEqual([status, code]);
  });

  it('is a failed job where its artifact is gone, with the reason', async () => {
    const document = registry.documents.get(`/registry/v1/models/${MODEL}/versions/2`) as object;
    registry.documents.set(`/registry/v1/models/${MODEL}/versions/7`, { ...document, version: '7', artifactSha256: 'e'.repeat(64) });
    expect(await ended((await start({ candidate: { version: '7' } })).backtestId)).toMatchObject({ status: 'failed', error: { code: 'not_found' } });
  });

  it('of a period without predictions has an empty report', async () => {
    expect(await reportOf({ from: '1999-01-01T00:00:00Z', to: '1999-02-01T00:00:00Z', candidate: { version: '2' } })).toMatchObject({ predictions: 0, arms: [] });
  });
});

describe('the jobs', () => {
  it('are listed newest first, keep what they ended as, and have rows only when they are done', async () => {
    const { backtestId } = await start({ candidate: { version: '2' } });
    const cancelled = (await (await post(`/${backtestId}/cancel`)).json()) as Backtest;
    expect(['cancelled', 'done']).toContain(cancelled.status);
    expect(((await (await post(`/${backtestId}/cancel`)).json()) as Backtest).status).toBe(cancelled.status);
    const { backtests } = (await (await fetch(`${ledger.url}/ledger/v1/backtests?model=${MODEL}&limit=3`)).json()) as { backtests: Backtest[] };
    expect(backtests[0]).toMatchObject({ backtestId, report: null });
    expect((await fetch(`${ledger.url}/ledger/v1/backtests/00000000-0000-4000-8000-000000000000`)).status).toBe(404);
    expect((await fetch(`${ledger.url}/ledger/v1/backtests/nonsense`)).status).toBe(400);
  });

  describe('whose process ends', () => {
    let slow: Server;
    let env: NodeJS.ProcessEnv;
    beforeAll(async () => {
      // A registry whose artifacts never come holds the job in its midst.
      slow = createServer((request, response) => {
        if (!request.url!.includes('/artifacts/')) response.setHeader('content-type', 'application/json').end(JSON.stringify({ ...(registry.documents.get(request.url!) as object), artifactSha256: 'f'.repeat(64) }));
      });
      await new Promise<void>((resolve) => void slow.listen(0, '127.0.0.1', resolve));
      // Of topics of its own: those of one that is killed would wait for its session to time out.
      env = { ...home.env, KAFKA_TOPIC_PREFIX: `${home.env['KAFKA_TOPIC_PREFIX']}other-`, REGISTRY_URL: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` };
      const bus = createBus(readConfig(env), { clientId: 'test' });
      await bus.admin.createTopics();
      await bus.close();
    });
    beforeEach(() => ledger.close());
    afterEach(async () => void (ledger = await home.startLedger()));
    afterAll(() => {
      slow.close();
      slow.closeAllConnections();
    });

    const statusOf = async (id: string): Promise<unknown> => (await home.sql('SELECT status FROM backtest WHERE id = $1', [id]))[0]!['status'];
    /** In the hands of a ledger that is to end. */
    async function begun({ url }: { readonly url: string }): Promise<string> {
      const answer = await fetch(`${url}/ledger/v1/backtests`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...PERIOD, candidate: { version: '2' } }) });
      const { backtestId } = (await answer.json()) as Backtest;
      await eventually('the job to run', async () => (await statusOf(backtestId)) === 'running');
      return backtestId;
    }
    const silent = (id: string) => home.sql(`UPDATE backtest SET heartbeat_at = heartbeat_at - interval '1 minute' WHERE id = $1`, [id]);

    it('by kill -9 are begun anew by another one, and nothing of the first attempt is in their rows', async () => {
      const other = await spawnLedger(env);
      const id = await begun(other);
      // As far as it had come.
      await home.sql(`INSERT INTO backtest_chunk VALUES ($1, 0, 'half'), ($1, 7, 'a file')`, [id]);
      await home.sql('UPDATE backtest SET rows_done = 2000 WHERE id = $1', [id]);
      await other.end('SIGKILL');
      expect(await statusOf(id)).toBe('running');
      await silent(id);
      ledger = await home.startLedger();
      expect(await ended(id)).toMatchObject({ status: 'done', attempts: 2, error: null, progress: { done: 3_000, total: 3_000 }, report: { predictions: 3_000 } });
      expect(await fileOf(id)).toHaveLength(3_000);
      await ledger.close();
    });

    it('because it was told to stop wait for the next one', async () => {
      const stopped = await home.startLedger(env);
      const id = await begun(stopped);
      await stopped.close();
      expect(await statusOf(id)).toBe('queued');
      ledger = await home.startLedger();
      expect(await ended(id)).toMatchObject({ status: 'done', attempts: 2 });
      await ledger.close();
    });

    it('and that nobody wants any more leave nothing of their rows', async () => {
      ledger = await home.startLedger(env);
      const id = await begun(ledger);
      await home.sql(`INSERT INTO backtest_chunk VALUES ($1, 0, 'half')`, [id]);
      await post(`/${id}/cancel`);
      await ledger.close();
      expect([await statusOf(id), await home.sql('SELECT part FROM backtest_chunk WHERE backtest_id = $1', [id])]).toEqual(['cancelled', []]);
    });

    it('again and again are given up', async () => {
      const stopped = await home.startLedger(env);
      const id = await begun(stopped);
      await home.sql('UPDATE backtest SET losses = 2 WHERE id = $1', [id]);
      await silent(id);
      ledger = await home.startLedger();
      expect(await ended(id)).toMatchObject({ status: 'interrupted', attempts: 1, error: { code: 'unavailable', reason: expect.stringContaining('3 times') } });
      // Who was taken for lost and is not has no say in it any more.
      await stopped.close();
      expect(await statusOf(id)).toBe('interrupted');
      await ledger.close();
    });
  });
});
