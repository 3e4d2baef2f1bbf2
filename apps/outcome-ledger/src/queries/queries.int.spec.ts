import fc from 'fast-check';
import { parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import { durationMs, type PredictionFilter } from './domain/filter.js';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const ROWS = 400;
const START_MS = Date.UTC(2001, 1, 1);
const MODELS = ['flight-delay', 'fare', 'crew'] as const;
const TEAMS = ['ops', 'revenue', undefined] as const;
const pick = <T>(values: readonly T[], index: number): T => values[index % values.length] as T;
let home: Installation;
let ledger: RunningService;
let rows: readonly Row[] = [];

/** A row of the ledger as it is, to be filtered in memory. */
interface Row {
  readonly predictionId: string;
  readonly model: string;
  readonly version: string | null;
  readonly team: string | null;
  readonly state: string;
  readonly code: string | null;
  readonly fallback: string | null;
  readonly role: string | null;
  readonly lane: string;
  readonly occurredAt: Date;
  readonly score: number | null;
  readonly entities: Record<string, string> | null;
  readonly routingKey: string | null;
  readonly timings: Record<string, number> | null;
  readonly joined: boolean;
  readonly assumed: boolean | null;
  readonly error: number | null;
  readonly correct: boolean | null;
  readonly value: number | null;
}

beforeAll(async () => {
  home = await install();
  const valueMicroUsd = { truePositive: 100, falsePositive: -70, trueNegative: 10, falseNegative: -200 };
  await home.publish('model.deployment.v1', MODELS.map((model, index) => ({ data: { ...deployment({ model }, index === 1 ? 'regression' : 'binary_classification'), ...(index === 1 ? {} : { outcome: { valueMicroUsd } }) } })));
  ledger = await home.startLedger();
  const over = (index: number) => ({
    model: pick(MODELS, index * 7), lane: pick(['stream', 'batch', 'http'] as const, index), ...(pick(TEAMS, index * 5) === undefined ? {} : { team: pick(TEAMS, index * 5) as string }),
    occurredAt: new Date(START_MS + Math.floor(index / 6) * 60_000).toISOString(), entities: { origin: pick(['SFO', 'ATL', 'ORD'], index), dest: pick(['ATL', 'JFK'], index * 3) },
    ...(index % 4 === 0 ? { routingKey: `case-${index % 12}` } : {}), timingsMs: { inference: (index * 13) % 40, total: (index * 17) % 90 },
  });
  const all = Array.from({ length: ROWS }, (_, index) => index);
  await home.publish('prediction.rejected.v1', all.filter((index) => index % 11 === 3).map((index) => ({ data: rejected(`q-${index}`, { ...over(index), code: pick(['feature_missing', 'overloaded'] as const, index) }) })));
  await home.publish('prediction.scored.v1', all.filter((index) => index % 11 !== 3).map((index) => ({
    data: scored(`q-${index}`, { ...over(index), version: pick(['1', '2'], index * 3), score: ((index * 37) % 100) / 100, role: pick(['champion', 'challenger'] as const, index), ...(index % 13 === 5 ? { fallback: { kind: pick(['constant', 'last_known_good'] as const, index), reason: 'overloaded' } } : {}) }),
  })));
  const labelled = all.filter((index) => index % 11 !== 3 && index % 3 !== 1);
  await home.publish('outcome.observed.v1', labelled.map((index) => ({ data: outcome(`q-${index}`, { value: pick(MODELS, index * 7) === 'fare' ? (index % 7) / 3 : index % 2 === 0 }) })));
  rows = await eventually('all rows', async () => {
    const found = await home.sql<Row>(`SELECT p.prediction_id AS "predictionId", p.model, p.version, p.team, p.state, p.code, p.fallback_kind AS fallback, p.role, p.lane, p.occurred_at AS "occurredAt", p.score, p.entities,
      p.routing_key AS "routingKey", p.timings_ms AS timings, j.prediction_id IS NOT NULL AS joined, j.is_assumed AS assumed, j.error, j.correct, j.value_micro_usd AS value
      FROM prediction p LEFT JOIN prediction_joined j USING (prediction_id, day)`);
    return found.length === ROWS && found.filter(({ joined }) => joined).length === labelled.length && found;
  });
});
afterAll(() => home.close());

const call = (path: string, init?: RequestInit): Promise<Response> => fetch(`${ledger.url}/ledger/v1${path}`, init);
const send = (method: string, body: unknown): RequestInit => ({ method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const asQuery = (filter: object): string => new URLSearchParams(Object.entries(filter).map(([name, value]) => [name, String(value)] as [string, string])).toString();

async function walk(path: string, limit: number, start = ''): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor = start; ; ) {
    const answer = await call(`${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
    const page = (await answer.json()) as { predictions: { predictionId: string }[]; nextCursor: string | null };
    expect(answer.status, JSON.stringify(page)).toBe(200);
    expect(page.predictions.length).toBeLessThanOrEqual(limit);
    ids.push(...page.predictions.map(({ predictionId }) => predictionId));
    if (page.nextCursor === null) return ids;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

/** What a filter means, row by row, without any database. */
function isMeant(row: Row, filter: PredictionFilter): boolean {
  const atLeast = (value: number | null | undefined, bound: number | undefined): boolean => bound === undefined || (value !== null && value !== undefined && value >= bound);
  const atMost = (value: number | null | undefined, bound: number | undefined): boolean => bound === undefined || (value !== null && value !== undefined && value <= bound);
  const same = (value: string | null, wanted: string | undefined): boolean => wanted === undefined || value === wanted;
  const newestMs = Math.max(...rows.filter(({ model, state }) => model === row.model && state !== 'rejected').map(({ occurredAt }) => occurredAt.getTime()));
  const [role, id] = filter.entity?.includes(':') === true ? filter.entity.split(':') : [undefined, filter.entity];
  return same(row.model, filter.model) && same(row.version, filter.version) && same(row.team, filter.team) && same(row.state, filter.state) && same(row.role, filter.role) && same(row.lane, filter.lane)
    && same(row.routingKey, filter.routingKey) && same(row.code, filter.code) && same(row.fallback, filter.fallback)
    && (filter.from === undefined || row.occurredAt.getTime() >= Date.parse(filter.from)) && (filter.to === undefined || row.occurredAt.getTime() < Date.parse(filter.to))
    && (filter.last === undefined || row.occurredAt.getTime() >= newestMs - (durationMs(filter.last) as number) + 30_000)
    && (id === undefined || Object.entries(row.entities ?? {}).some(([name, value]) => value === id && (role === undefined || role === name)))
    && (filter.outcome === undefined || { joined: row.joined, pending: !row.joined && row.state !== 'rejected', assumed: row.assumed === true }[filter.outcome])
    && (filter.wrong === undefined || row.correct === !filter.wrong)
    && atLeast(row.error === null ? null : Math.abs(row.error), filter.minAbsError) && atLeast(row.score, filter.minScore) && atMost(row.score, filter.maxScore)
    && atLeast(row.value, filter.minValueMicroUsd) && atMost(row.value, filter.maxValueMicroUsd) && atLeast(row.timings?.[filter.stage ?? 'total'], filter.minStageMs);
}
const meant = (filter: PredictionFilter): string[] => rows.filter((row) => isMeant(row, filter))
  .sort((a, b) => b.occurredAt.getTime() - a.occurredAt.getTime() || (a.predictionId < b.predictionId ? 1 : -1)).map(({ predictionId }) => predictionId);

const instant = fc.integer({ min: 0, max: 70 }).map((minutes) => new Date(START_MS + minutes * 60_000).toISOString());
const filters: fc.Arbitrary<PredictionFilter> = fc.record(
  {
    model: fc.constantFrom(...MODELS), version: fc.constantFrom('1', '2'), team: fc.constantFrom('ops', 'revenue', 'nobody'), state: fc.constantFrom('scored', 'fallback', 'rejected'),
    code: fc.constantFrom('feature_missing', 'overloaded'), fallback: fc.constantFrom('constant', 'last_known_good'), role: fc.constantFrom('champion', 'challenger'), lane: fc.constantFrom('stream', 'batch', 'http'),
    from: instant, to: instant, entity: fc.constantFrom('ATL', 'origin:ATL', 'dest:JFK', 'SFO', 'origin:JFK', 'nowhere'), routingKey: fc.constantFrom('case-0', 'case-4'),
    outcome: fc.constantFrom('joined', 'pending', 'assumed'), wrong: fc.boolean(), minAbsError: fc.constantFrom(0.2, 0.8), minScore: fc.constantFrom(0.1, 0.5), maxScore: fc.constantFrom(0.4, 0.9),
    minValueMicroUsd: fc.constantFrom(-100, 0, 50), maxValueMicroUsd: fc.constantFrom(-50, 20), stage: fc.constantFrom('inference', 'total'), minStageMs: fc.constantFrom(10, 30),
  },
  { requiredKeys: [] },
);
/** Few fields at a time: all of them together match nothing. */
const likely = fc.tuple(filters, fc.integer({ min: 0, max: 3 }), fc.integer()).map(([filter, size, seed]) => {
  const names = Object.keys(filter).sort((a, b) => ((a.length * 31 + seed) % 17) - ((b.length * 31 + seed) % 17)).slice(0, size);
  const kept = names.includes('minStageMs') ? names : names.filter((name) => name !== 'stage');
  return Object.fromEntries(Object.entries(filter).filter(([name]) => kept.includes(name))) as PredictionFilter;
});

describe('the pages of any filter', () => {
  it('have each row that matches exactly once, newest first, as a filter over all rows in memory has', async () => {
    await fc.assert(fc.asyncProperty(likely, fc.integer({ min: 1, max: 150 }), async (filter, limit) => {
      expect(await walk(`/predictions?${asQuery(filter)}`, limit < 20 ? limit + 40 : limit), JSON.stringify(filter)).toEqual(meant(filter));
    }), { numRuns: 40 });
  });

  it.each(['wrong=true', 'wrong=false', 'outcome=pending', 'state=rejected', 'fallback=constant', 'code=overloaded', 'entity=ATL', 'entity=origin:ATL', 'team=ops', 'minStageMs=30', 'stage=inference&minStageMs=20', 'minAbsError=0.5', 'maxValueMicroUsd=-100', 'last=10m', 'last=999999w', 'model=fare&last=1h'])('of %s are those and not empty', async (asked) => {
    const filter = Object.fromEntries([...new URLSearchParams(asked)].map(([name, value]) => [name, name === 'wrong' ? value === 'true' : /^(min|max)/.test(name) ? Number(value) : value])) as PredictionFilter;
    const expected = meant(filter);
    expect(expected).not.toEqual([]);
    expect(await walk(`/predictions?${asked}`, 70)).toEqual(expected);
  });

  it('stay whole while rows arrive: none is missed, none comes twice', async () => {
    const filter = { model: 'crew' };
    const first = (await (await call(`/predictions?${asQuery(filter)}&limit=20`)).json()) as { predictions: { predictionId: string }[]; nextCursor: string };
    const newer = Array.from({ length: 5 }, (_, index) => scored(`new-${index}`, { model: 'crew', occurredAt: '2001-03-01T00:00:00Z' }));
    await home.publish('prediction.scored.v1', newer.map((data) => ({ data })));
    await eventually('the new rows', async () => (await home.sql(`SELECT FROM prediction WHERE request_id LIKE 'new-%'`)).length === 5);
    const ids = [...first.predictions.map(({ predictionId }) => predictionId), ...(await walk(`/predictions?${asQuery(filter)}`, 50, `&cursor=${first.nextCursor}`))];
    expect(ids).toEqual(meant(filter));
  });
});

it.each([['wrong=perhaps', 'wrong'], ['minStageMs=slow', 'minStageMs'], ['stage=lunch', 'stage'], ['stage=inference', 'minStageMs'], ['last=soon', 'last'], ['state=lost', 'state'], ['colour=red', 'colour'], ['cursor=xyz', 'cursor'], ['from=yesterday', 'from']])('a filter with a fault, %s, is refused with the place of the fault', async (asked, place) => {
  const answer = await call(`/predictions?${asked}`);
  expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid_request', detail: expect.stringContaining(place) }]);
});

describe('a saved query', () => {
  const filter = { model: 'flight-delay', wrong: true, to: '2001-02-15T00:00:00.000Z' };

  it('is asked again under its name, as pages and as a Parquet file, until it is deleted', async () => {
    expect(await (await call('/queries/wrong-ones', send('PUT', { filter }))).json()).toMatchObject({ name: 'wrong-ones', filter, author: 'anonymous' });
    expect(await (await call('/queries')).json()).toMatchObject({ queries: [{ name: 'wrong-ones', filter }] });
    expect(await (await call('/queries/wrong-ones')).json()).toMatchObject({ filter });
    expect(await walk('/queries/wrong-ones/predictions', 13)).toEqual(meant(filter));
    const answer = await call('/queries/wrong-ones/export', send('POST', {}));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/vnd.apache.parquet']);
    const exported = await parquetReadObjects({ file: await answer.arrayBuffer() });
    expect(exported.map((row) => row['prediction_id'])).toEqual(meant(filter).toReversed());
    expect(exported[0]).toHaveProperty('recent_delay');
    expect((await call('/queries/wrong-ones', { method: 'DELETE' })).status).toBe(204);
    expect((await call('/queries/wrong-ones/predictions')).status).toBe(404);
  });

  it('of a period relative to the model’s present means the newest predictions', async () => {
    await call('/queries/newest', send('PUT', { filter: { model: 'fare', last: '10m' } }));
    expect(await walk('/queries/newest/predictions', 100)).toEqual(meant({ model: 'fare', last: '10m' }));
  });

  it('may be of rejected requests and of all models', async () => {
    await call('/queries/refused', send('PUT', { filter: { state: 'rejected' } }));
    const exported = await parquetReadObjects({ file: await (await call('/queries/refused/export', send('POST', {}))).arrayBuffer() });
    expect(exported.map((row) => row['prediction_id'])).toEqual(meant({ state: 'rejected' }).toReversed());
  });

  it.each([[{ filter: { wrong: 'perhaps' } }, 'wrong'], [{ filter: { colour: 'red' } }, 'colour'], [{}, 'filter']])('with a fault, %j, is refused with the place of the fault', async (body, place) => {
    expect(await (await call('/queries/faulty', send('PUT', body))).json()).toMatchObject({ code: 'invalid_request', detail: expect.stringContaining(place) });
    expect((await call('/queries/Not A Name', send('PUT', { filter: {} }))).status).toBe(400);
  });
});

it('an export takes the same filters', async () => {
  const filter = { model: 'flight-delay', entity: 'origin:ATL', outcome: 'joined' } as const;
  const exported = await parquetReadObjects({ file: await (await call('/exports', send('POST', filter))).arrayBuffer() });
  expect(exported.map((row) => row['prediction_id'])).toEqual(meant(filter).toReversed());
});
