import { endedShare, kaplanMeier } from '@throughline/stats';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { deployment, outcome, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';
import type { LabelReport } from './domain/label-report.js';
import { COUNT_SQL } from './label-store.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

type Answer = LabelReport & { from: string; to: string; now: string; maturitySeconds: number | null };

const HOUR_SECONDS = 3600;
const HOURS = 120;
const DELAY_HOURS = 2;
const START_MS = Date.UTC(2001, 1, 1);
const at = (hour: number): string => new Date(START_MS + hour * HOUR_SECONDS * 1000).toISOString();
/** Three of four get a label, two hours after; those whose label is not due yet at the newest hour have none. */
const isLabelled = (hour: number): boolean => hour % 4 !== 0 && hour + DELAY_HOURS < HOURS;
const LABELLED = Array.from({ length: HOURS }, (_, hour) => hour).filter(isLabelled).length;

let home: Installation;
let ledger: RunningService;

beforeAll(async () => {
  home = await install();
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ outcome: { maturitySeconds: 24 * HOUR_SECONDS } }) }]);
  ledger = await home.startLedger();
  const hours = Array.from({ length: HOURS }, (_, hour) => hour);
  await home.publish('prediction.scored.v1', [...hours.map((hour) => ({ data: scored(`l-${hour}`, { occurredAt: at(hour), version: hour < 60 ? '1' : '2' }) })), { data: scored('undeclared', { model: 'other' }) }]);
  await home.publish('outcome.observed.v1', hours.filter(isLabelled).map((hour) => ({ data: outcome(`l-${hour}`, { value: false, occurredAt: at(hour + DELAY_HOURS) }) })));
  await eventually('the joins', async () => (await home.sql('SELECT 1 FROM prediction_joined')).length === LABELLED);
});
afterAll(() => home.close());

const ask = (query: string): Promise<Response> => fetch(`${ledger.url}/ledger/v1/labels?${query}`);
const labels = async (query = 'model=flight-delay'): Promise<Answer> => (await ask(query)).json() as Promise<Answer>;

describe('labels', () => {
  it('are covered among the matured alone: what is too young for a label is neither negative nor missing', async () => {
    const { total, versions } = await labels();
    expect(total).toMatchObject({ predictions: HOURS, labelled: LABELLED, assumed: 0, matured: 96, immature: 24, overdue: 24, coverage: { share: 0.75 } });
    expect(total.coverage!.low).toBeLessThan(0.75);
    expect(versions.map(({ version, predictions, matured }) => [version, predictions, matured])).toEqual([['1', 60, 60], ['2', 60, 36]]);
  });

  it('take as long as Kaplan and Meier say of every single prediction, by its age where it has none', async () => {
    const { total, curve, now } = await labels();
    const nowMs = Date.parse(now);
    const singles = Array.from({ length: HOURS }, (_, hour) => (isLabelled(hour) ? { time: DELAY_HOURS * HOUR_SECONDS, events: 1, censored: 0 } : { time: (nowMs - Date.parse(at(hour))) / 1000, events: 0, censored: 1 }));
    const expected = endedShare(kaplanMeier(singles), 6 * HOUR_SECONDS)!;
    const known = Object.fromEntries(total.knownAfter.map((one) => [one.seconds, one]));
    expect(known[HOUR_SECONDS]!.share).toBe(0);
    expect(known[6 * HOUR_SECONDS]!.share).toBeCloseTo(expected.share, 10);
    expect(known[6 * HOUR_SECONDS]!.low).toBeCloseTo(expected.low, 10);
    // Counting those that have none yet as negative would say less.
    expect(known[6 * HOUR_SECONDS]!.share!).toBeGreaterThan(LABELLED / HOURS);
    expect(total.delay.medianSeconds!.value).toBe(DELAY_HOURS * HOUR_SECONDS);
    expect(total.delay.p90Seconds).toBeNull();
    expect(curve).toHaveLength(1);
    expect(known[30 * 86_400]!.share).toBeNull();
  });

  it('are told by day of the predictions, of the period that was asked for', async () => {
    const { days, total } = await labels(`model=flight-delay&from=${at(24)}&to=${at(72)}`);
    expect(days.map(({ day, predictions }) => [day, predictions])).toEqual([['2001-02-02', 24], ['2001-02-03', 24]]);
    expect(total).toMatchObject({ predictions: 48, matured: 48, overdue: 12 });
  });

  it('of a model that declares no maturity are due never, and its coverage is not known', async () => {
    expect(await labels('model=other')).toMatchObject({ maturitySeconds: null, total: { predictions: 1, matured: null, overdue: null, coverage: null } });
  });

  it.each([['model=nobody', 404, 'not_found'], ['model=flight-delay&from=2001-02-02T00:00:00Z&to=2001-02-01T00:00:00Z', 400, 'invalid_request'], ['from=2001-02-02T00:00:00Z', 400, 'invalid_request'], ['model=flight-delay&from=1990-01-01T00:00:00Z', 400, 'invalid_request']])(
    'answers %s with a problem', async (query, status, code) => {
      const answer = await ask(query);
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
    });

  it('are counted without reading a feature', async () => {
    await home.sql('SET enable_seqscan = off');
    await home.sql('SET enable_bitmapscan = off');
    const plan = (await home.sql<{ 'QUERY PLAN': string }>(`EXPLAIN ${COUNT_SQL.replaceAll('$1', `'flight-delay'`).replace(/\$[234]/g, 'now()').replace('$5', 'now()').replace('$6', `'{1,2}'`)}`)).map((line) => line['QUERY PLAN']).join('\n');
    await home.sql('RESET ALL');
    expect(plan).toMatch(/Index Only Scan using prediction_\d{8}_model_occurred_at/);
    expect(plan).not.toMatch(/(Seq|Index|Heap) Scan on prediction_\d/);
  });

  it('are metrics: coverage of the matured, and predictions by how their label stands', async () => {
    const metrics = await eventually('the gauges', async () => {
      const text = await (await fetch(`${ledger.url}/metrics`)).text();
      return text.includes('throughline_label_predictions{model="flight-delay",version="2",state="immature"} 8') && text;
    });
    expect(metrics).toContain('throughline_label_coverage_ratio{model="flight-delay"} 0.75');
    expect(metrics).not.toContain('throughline_label_coverage_ratio{model="other"}');
    expect(metrics).toContain('throughline_label_predictions{model="flight-delay",version="1",state="overdue"} 15');
  });
});
