import { encodeEvent, predictionId, type EventData, type EventTopic } from '@throughline/contracts';
import { eventually } from '@throughline/testing';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createServices, type Services } from './services.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const [MODEL, SOURCE, SHA] = ['flights', '/test', 'a'.repeat(64)];
const T0 = Date.UTC(2001, 0, 1);
const HOUR_MS = 3_600_000;
const MATURITY_MS = 2 * HOUR_MS;
const LATENESS_MS = 60_000;

let services: Services;
let database: pg.Client;
let ledger: string;
let monitor: string;

beforeAll(async () => {
  services = await createServices({ OUTCOME_MATURITY_SWEEP_MS: '50', DRIFT_WINDOW_SECONDS: '3600', DRIFT_LATENESS_SECONDS: String(LATENESS_MS / 1000), LOG_LEVEL: 'info' });
  await declare(1, 15);
  [ledger, monitor] = await Promise.all([services.start('outcome-ledger'), services.start('drift-monitor')]);
  database = new pg.Client({ connectionString: process.env['DATABASE_URL'], options: `-c search_path=${services.schemaPrefix}outcome_ledger` });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await services?.close();
});

const publish = <T extends EventTopic>(topic: T, events: readonly { readonly key: string; readonly id: string; readonly data: EventData<T> }[]): Promise<void> =>
  services.bus.producer.sendAll(events.map(({ key, id, data }) => ({ topic, key, ...encodeEvent(topic, { id, source: SOURCE, timeMs: Date.now(), data }) })));

/** Delays from so many minutes on are true; where nobody says anything within the maturity, it is false. */
function declare(revision: number, positiveFrom: number): Promise<void> {
  const signature = {
    inputs: [], outputs: [], task: 'binary_classification' as const, score: { output: 'probability', index: 0, threshold: 0.5 }, features: [{ name: 'hour', kind: 'numeric' as const }],
  };
  const data: EventData<'model.deployment.v1'> = {
    model: MODEL, revision, updatedAt: new Date().toISOString(), challengers: [], shadows: [], champion: { version: '1', artifactSha256: SHA, sizeBytes: 1, metrics: { auc: 0.8 }, signature },
    outcome: { positiveFrom, maturitySeconds: MATURITY_MS / 1000, whenMissing: 'negative' },
  };
  return publish('model.deployment.v1', [{ key: MODEL, id: `d${revision}`, data }]);
}

const scoreOf = (id: number): number => ((id * 37) % 100) / 100;
const askedAtMs = (id: number): number => T0 + id * 15_000;

const scored = (id: number, change: Partial<EventData<'prediction.scored.v1'>> = {}) => ({
  key: `${id}`, id: `s${id}`,
  data: {
    predictionId: predictionId(SOURCE, `${id}`), requestSource: SOURCE, requestId: `${id}`, lane: 'stream' as const, occurredAt: new Date(askedAtMs(id)).toISOString(), requestedAt: new Date().toISOString(),
    requestCoordinates: `prediction.requested.v1/0/${id}`, model: MODEL, version: '1', artifactSha256: SHA, role: 'champion' as const, assignmentRevision: 1, outputs: { probability: [scoreOf(id)] }, score: scoreOf(id),
    features: { values: [1] }, timingsMs: {}, batchSize: 1, scoredAt: new Date().toISOString(), worker: 'w', ...change,
  },
});

const observed = (id: number, sequence: number, delayMs: number) => ({
  key: `${id}`, id: `o${id}-${sequence}`,
  data: { predictionId: predictionId(SOURCE, `${id}`), value: (id * 7 + sequence * 11) % 30, source: 'arrivals', sequence, occurredAt: new Date(askedAtMs(id) + delayMs).toISOString() },
});

/** By hour of the instant at which outcomes became true, as the ledger has them. */
const LEDGER_SQL = `
  SELECT extract(epoch FROM date_bin('1 hour', outcome_occurred_at, 'epoch'))::float8 * 1000 AS "startMs", count(*)::float8 AS outcomes, avg(outcome_number) AS "baseRate", avg(power(score - outcome_number, 2)) AS brier,
    avg(abs(error)) AS "meanAbsoluteError", avg(correct::int)::float8 AS accuracy, avg(delay_seconds) AS "meanDelaySeconds"
  FROM prediction_joined WHERE model = $1 AND role = 'champion' AND NOT is_fallback GROUP BY 1 ORDER BY 1`;
const NAMES = ['outcomes', 'baseRate', 'brier', 'meanAbsoluteError', 'accuracy', 'meanDelaySeconds'] as const;
type Figures = Record<(typeof NAMES)[number], number> & { readonly startMs: number };

async function figuresOfLedger(): Promise<unknown[]> {
  const { rows } = await database.query<Figures>(LEDGER_SQL, [MODEL]);
  return rows.map(rounded);
}

async function reportOf(): Promise<{ outcomes: number; late: object; corrections: { applied: number; unheld: number }; qualityWindows: { from: string; to: string; open: boolean; quality: Figures }[] }> {
  return (await fetch(`${monitor}/monitor/v1/models/${MODEL}/report`)).json() as never;
}
async function figuresOfMonitor(): Promise<unknown[]> {
  const { qualityWindows } = await reportOf();
  return qualityWindows.map(({ from, quality }) => rounded({ ...quality, startMs: Date.parse(from) })).reverse();
}
const rounded = (figures: Figures): unknown[] => [figures.startMs, ...NAMES.map((name) => Number(figures[name].toPrecision(8)))];

const countOf = async (what: string): Promise<number> => Number((await database.query<{ n: string }>(`SELECT count(*) AS n FROM ${what}`)).rows[0]!.n);
/** Everything that was told has been published, and the monitor has read it. */
const quiet = () => eventually('both have done what there is to do', async () => {
  if ((await countOf('outbox')) > 0) return false;
  const ends = await services.bus.admin.offsets('outcome.joined.v1', 'drift-monitor');
  return ends.every(({ high, committed }) => high === 0n || committed === high);
});

/** Windows that are over by the newest prediction's time. */
const judged = () => eventually('what is over is judged', async () => {
  const overUntilMs = askedAtMs(COUNT) + MATURITY_MS - LATENESS_MS;
  const over = (await reportOf()).qualityWindows.filter(({ to }) => Date.parse(to) <= overUntilMs);
  return over.length > 0 && over.every(({ open }) => !open);
});

const range = (count: number, wanted: (id: number) => boolean): number[] => Array.from({ length: count }, (_, id) => id).filter(wanted);
const COUNT = 1200;
/** Of the others a fallback gave the answer, or a challenger. */
const OWN = (id: number): boolean => id % 20 > 1;

it('the monitor’s figures are the ledger’s: first outcomes, assumed ones, real ones that came later, corrections, fallbacks and challengers apart', async () => {
  await publish('prediction.scored.v1', [
    ...range(COUNT, OWN).map((id) => scored(id)),
    ...range(COUNT, (id) => id % 20 === 0).map((id) => scored(id, { fallback: { kind: 'constant', reason: 'model_failed' }, features: { values: [] } })),
    ...range(COUNT, (id) => id % 20 === 1).map((id) => scored(id, { role: 'challenger' })),
  ]);
  await eventually('the predictions', async () => ((await countOf('prediction')) === COUNT));
  const said = range(COUNT, (id) => id % 3 > 0);
  await publish('outcome.observed.v1', said.map((id) => observed(id, 0, 60_000 * (1 + (id % 90)))));
  await eventually('the joins', async () => ((await countOf('prediction_joined WHERE NOT is_assumed')) === said.length));

  // Time goes on, and what nobody spoke of is false.
  await publish('prediction.scored.v1', [{ ...scored(COUNT), data: { ...scored(COUNT).data, occurredAt: new Date(askedAtMs(COUNT) + MATURITY_MS).toISOString() } }]);
  await eventually('the assumptions', async () => ((await countOf('prediction_joined WHERE is_assumed')) === COUNT - said.length));
  await quiet();
  const first = await figuresOfLedger();
  expect(await figuresOfMonitor()).toEqual(first);

  const [after, corrected] = [range(COUNT, (id) => id % 9 === 0), range(COUNT, (id) => id % 7 === 1 && id % 3 > 0)];
  await publish('outcome.observed.v1', [...after.map((id) => observed(id, 0, 60_000 * (id % 100))), ...corrected.map((id) => observed(id, 1, 60_000 * (id % 120)))]);
  await eventually('the corrections', async () => ((await countOf('prediction_joined WHERE NOT is_assumed')) === said.length + after.length && (await countOf('prediction_joined WHERE outcome_sequence = 1')) === corrected.length));
  await quiet();
  const figures = await figuresOfLedger();
  expect(figures).not.toEqual(first);
  expect(await figuresOfMonitor()).toEqual(figures);
  const { outcomes, late, corrections } = await reportOf();
  const { rows: [told] } = await database.query<{ corrections: number }>(`SELECT sum(revision)::float8 AS corrections FROM prediction_joined WHERE role = 'champion' AND NOT is_fallback`);
  expect(told!.corrections).toBeGreaterThanOrEqual([...after, ...corrected].filter(OWN).length);
  expect({ outcomes, late, corrections }).toEqual({ outcomes: range(COUNT, OWN).length, late: { predictions: 0, outcomes: 0 }, corrections: { applied: told!.corrections, unheld: 0 } });
});

it('they stay so when the ledger tells the period again, and follow when that corrects what another declaration judges otherwise', async () => {
  const rebuild = async (): Promise<void> => {
    const body = JSON.stringify({ model: MODEL, from: '2001-01-01T00:00:00Z', to: '2001-02-01T00:00:00Z' });
    const { rebuildId } = (await (await fetch(`${ledger}/ledger/v1/rebuilds`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()) as { rebuildId: string };
    await eventually('the end', async () => (((await (await fetch(`${ledger}/ledger/v1/rebuilds/${rebuildId}`)).json()) as { status: string }).status === 'finished'));
    await quiet();
  };
  await judged();
  const before = await reportOf();
  await rebuild();
  expect(await reportOf()).toEqual(before);

  await declare(2, 5);
  await eventually('the declaration', async () => ((await countOf('outcome_declaration WHERE revision = 2')) === 1));
  await rebuild();
  const figures = await figuresOfLedger();
  expect(await figuresOfMonitor()).toEqual(figures);
  expect((await reportOf()).corrections.applied).toBeGreaterThan(before.corrections.applied);
});
