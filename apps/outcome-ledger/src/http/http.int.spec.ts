import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, idOf, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

let home: Installation;
let ledger: RunningService;

const SCORED = 120;
const requestIds = Array.from({ length: SCORED }, (_, index) => `h-${index}`);
const scoreOf = (index: number): number => Math.fround(((index * 37) % 50) / 50);
const truthOf = (index: number): boolean => (index * 7919) % 13 < 5;
/** Several share an instant, so that the listing's cursor must break ties. */
const occurredAt = (index: number): string => new Date(Date.UTC(2001, 1, 1) + Math.floor(index / 7) * 60_000).toISOString();

beforeAll(async () => {
  home = await install();
  await home.publish('model.deployment.v1', [{ data: deployment() }]);
  ledger = await home.startLedger();
  await home.publish('prediction.scored.v1', requestIds.map((requestId, index) => ({ data: scored(requestId, { score: scoreOf(index), occurredAt: occurredAt(index), features: { values: [index, index % 3 === 0 ? null : index / 3, 'NaN'] } }) })));
  await home.publish('prediction.scored.v1', [{ data: scored('fallback', { score: 1, occurredAt: '2001-02-02T00:00:00Z', features: { values: [] }, fallback: { kind: 'constant', reason: 'model_failed' } }) }]);
  await home.publish('prediction.rejected.v1', [{ data: rejected('refused', { occurredAt: '2001-02-03T00:00:00Z' }) }]);
  await home.publish('outcome.observed.v1', [...requestIds.slice(0, 100).map((requestId, index) => ({ data: outcome(requestId, { value: truthOf(index) }) })), { data: outcome('fallback', { value: false }) }]);
  await eventually('the joins', async () => (await json('/ledger/v1/summary')).joined === 101);
});
afterAll(() => home.close());

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers are plain JSON
const json = async (path: string, body?: unknown): Promise<any> => (await ask(path, body)).json();
const codeOf = async (answer: Response): Promise<unknown> => ((await answer.json()) as { code?: unknown }).code;
const ask = (path: string, body?: unknown): Promise<Response> =>
  fetch(`${ledger.url}${path}`, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('the listing', () => {
  const walk = async (query: string): Promise<{ predictionId: string; occurredAt: string; state: string }[]> => {
    const all = [];
    for (let cursor = ''; ; ) {
      const page = await json(`/ledger/v1/predictions?${query}&limit=25${cursor}`);
      all.push(...page.predictions);
      if (page.nextCursor === null) return all;
      cursor = `&cursor=${page.nextCursor}`;
    }
  };

  it('goes through everything once, newest first, page by page', async () => {
    const all = await walk('model=flight-delay');
    expect(all).toHaveLength(SCORED + 2);
    expect(new Set(all.map(({ predictionId }) => predictionId)).size).toBe(SCORED + 2);
    expect(all.map(({ occurredAt: at }) => at)).toEqual(all.map(({ occurredAt: at }) => at).toSorted().toReversed());
  });

  it('filters by event time and by whether the outcome is known', async () => {
    expect(await walk('from=2001-02-01T00:05:00Z&to=2001-02-01T00:10:00Z')).toHaveLength(35);
    expect(await walk('outcome=joined')).toHaveLength(101);
    const pending = await walk('outcome=pending');
    expect(pending).toHaveLength(20);
    expect(pending.every(({ state }) => state === 'scored')).toBe(true);
  });

  it('filters by how requests ended, and says which fallback answered', async () => {
    expect(await walk('state=fallback')).toMatchObject([{ predictionId: idOf('fallback'), state: 'fallback', fallback: 'constant' }]);
    expect(await walk('state=rejected')).toMatchObject([{ predictionId: idOf('refused') }]);
    expect((await walk('state=scored')).every(({ state }) => state === 'scored')).toBe(true);
  });

  it('finds the prediction of a request by its source and id', async () => {
    expect((await json('/ledger/v1/predictions?source=/test/producer&requestId=h-3')).predictions).toMatchObject([{ predictionId: idOf('h-3'), state: 'scored' }]);
    expect((await json('/ledger/v1/predictions?source=/elsewhere&requestId=h-3')).predictions).toEqual([]);
  });

  it.each(['limit=0', 'limit=5000', 'cursor=nonsense', `cursor=${Buffer.from(`0 ${'-'.repeat(36)}`).toString('base64url')}`, 'from=yesterday', 'from=2001-W05-1', 'from=2001-02-30T00:00:00Z', 'to=2001-02-01T00:00:00', 'outcome=maybe', 'state=lost', 'source=/only', 'colour=red'])('answers %s with a problem', async (query) => {
    const answer = await ask(`/ledger/v1/predictions?${query}`);
    expect([answer.status, (await codeOf(answer))]).toEqual([400, 'invalid_request']);
  });
});

describe('a story', () => {
  it('of an unknown id is a problem, not an empty page', async () => {
    const answer = await ask('/ledger/v1/predictions/00000000-0000-5000-8000-000000000000');
    expect([answer.status, (await codeOf(answer))]).toEqual([404, 'not_found']);
    expect((await ask('/ledger/v1/predictions/nonsense')).status).toBe(400);
  });
});

describe('the books', () => {
  it('say how each prediction ended and leave out what the ledger does not have', async () => {
    const unknown = '00000000-0000-5000-8000-000000000000';
    expect((await json('/ledger/v1/books', { ids: [idOf('h-0'), idOf('fallback').toUpperCase(), idOf('refused'), unknown] })).states).toEqual({ [idOf('h-0')]: 'scored', [idOf('fallback')]: 'fallback', [idOf('refused')]: 'rejected' });
  });

  it('do not vouch for a prediction whose row is gone', async () => {
    await home.publish('prediction.scored.v1', [{ data: scored('to-be-deleted') }]);
    const state = async () => (await json('/ledger/v1/books', { ids: [idOf('to-be-deleted')] })).states[idOf('to-be-deleted')];
    await eventually('the row', async () => (await state()) === 'scored');
    await home.sql('DELETE FROM prediction WHERE prediction_id = $1', [idOf('to-be-deleted')]);
    expect(await state()).toBeUndefined();
  });

  it('take 5000 ids at most', async () => {
    const ids = Array.from({ length: 5001 }, (_, index) => idOf(String(index)));
    expect((await ask('/ledger/v1/books', { ids: ids.slice(1) })).status).toBe(200);
    expect((await ask('/ledger/v1/books', { ids })).status).toBe(400);
  });
});

describe('the summary', () => {
  it('counts, and has the AUC that comparing every pair gives; a fallback is no quality of the model', async () => {
    const known = requestIds.slice(0, 100).map((_, index) => ({ score: scoreOf(index), positive: truthOf(index) }));
    const pairs = known.filter(({ positive }) => positive).flatMap((p) => known.filter(({ positive }) => !positive).map((n) => (p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0)));
    const summary = await json('/ledger/v1/summary');
    expect(summary).toMatchObject({ fallback: 1, rejected: 1, outcomes: 101, joined: 101, unmatched: 0 });
    expect(summary.models[0]).toMatchObject({ model: 'flight-delay', version: '1', joined: 101, aucCount: 100 });
    expect(summary.models[0].auc).toBeCloseTo(pairs.reduce<number>((sum, one) => sum + one, 0) / pairs.length, 10);
  });
});

describe('an export', () => {
  const rows = async (body: object): Promise<Record<string, unknown>[]> => {
    const answer = await ask('/ledger/v1/exports', body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/vnd.apache.parquet']);
    return parquetReadObjects({ file: await answer.arrayBuffer() });
  };

  it('holds predictions by event time with their features by name and their outcomes', async () => {
    const all = await rows({ model: 'flight-delay', from: '2001-02-01T00:00:00Z', to: '2001-02-02T00:00:00Z' });
    expect(all).toHaveLength(SCORED);
    const byId = new Map(all.map((row) => [row['prediction_id'], row]));
    expect(byId.get(idOf('h-4'))).toEqual({
      prediction_id: idOf('h-4'), model: 'flight-delay', version: '1', role: 'champion', occurred_at: new Date(occurredAt(4)), requested_at: expect.any(Date), score: scoreOf(4),
      outcome: Number(truthOf(4)), outcome_text: null, fallback: null, hour: 4, distance: 4 / 3, recent_delay: Number.NaN,
    });
    expect(byId.get(idOf('h-3'))).toMatchObject({ distance: null });
    expect(byId.get(idOf('h-110'))).toMatchObject({ outcome: null });
    expect(all.map((row) => Number(row['occurred_at']))).toEqual(all.map((row) => Number(row['occurred_at'])).toSorted((a, b) => a - b));
  });

  it('says which fallback answered, and has no features of it where it used none', async () => {
    expect(await rows({ model: 'flight-delay', from: '2001-02-02T00:00:00Z', to: '2001-02-03T00:00:00Z' })).toMatchObject([{ prediction_id: idOf('fallback'), fallback: 'constant', score: 1, outcome: 0, hour: null, distance: null, recent_delay: null }]);
  });

  it('names the features of a version nobody has described by their place, whatever fallbacks left out', async () => {
    const unknown = { model: 'undescribed', version: '7', artifactSha256: 'b'.repeat(64) };
    await home.publish('prediction.scored.v1', [{ key: 'u', data: scored('u-1', unknown) }, { key: 'u', data: scored('u-2', { ...unknown, features: { values: [] }, fallback: { kind: 'last_known_good', reason: 'overloaded' } }) }]);
    const all = await eventually('both rows', async () => {
      const found = await rows({ model: 'undescribed' });
      return found.length === 2 && found;
    });
    expect(all.toSorted((a, b) => String(a['fallback']).localeCompare(String(b['fallback'])))).toMatchObject([{ fallback: 'last_known_good', feature_0: null, feature_2: null }, { fallback: null, feature_0: 7, feature_2: 0.1 }]);
  });

  it('may be of joined predictions only, and is bounded', async () => {
    expect(await rows({ model: 'flight-delay', joinedOnly: true })).toHaveLength(101);
    expect(await rows({ model: 'flight-delay', limit: 10 })).toHaveLength(10);
  });

  it('of nothing is an empty file that names its columns', async () => {
    expect(await rows({ model: 'nobody' })).toEqual([]);
  });

  it('wants a model', async () => {
    expect((await ask('/ledger/v1/exports', {})).status).toBe(400);
  });
});

it('metrics tell intake, joins, delay, pending and unmatched', async () => {
  const text = await eventually('the gauges', async () => {
    const page = await (await ask('/metrics')).text();
    return /throughline_ledger_pending_predictions\S* 2\d/.test(page) && page;
  });
  expect(text).toMatch(/throughline_ledger_predictions_total\{result="recorded"[^}]*\} 12\d/);
  expect(text).toMatch(/throughline_ledger_outcomes_total\{result="joined"[^}]*\} 101/);
  expect(text).toMatch(/throughline_outcome_delay_seconds_count\{model="flight-delay"[^}]*\} 101/);
  expect(text).toMatch(/throughline_ledger_unmatched_outcomes\S* 0/);
});
