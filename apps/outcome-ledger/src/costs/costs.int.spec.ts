import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RunningService } from '@throughline/http';
import { eventually } from '@throughline/testing';
import { CostGauges } from './cost-gauges.js';
import { OTHER_TEAMS, MAX_TEAMS_A_DAY } from './spending-store.js';
import type { CostLine } from './domain/report.js';
import { deployment, outcome, rejected, scored } from '../testing/events.js';
import { install, type Installation } from '../testing/installation.js';

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 });

let home: Installation;
let ledger: RunningService;

beforeAll(async () => {
  home = await install();
  await home.publish('model.deployment.v1', [{ key: 'flight-delay', data: deployment({ outcome: { valueMicroUsd: { truePositive: 1000, falsePositive: -300, falseNegative: -700 } } }) }]);
  ledger = await home.startLedger();
});
afterAll(() => home.close());

interface Report { lines: CostLine[]; total: CostLine }
const report = async (query: string): Promise<Report> => (await fetch(`${ledger.url}/ledger/v1/costs?${query}`)).json() as Promise<Report>;
const once = (query: string, holds: (found: Report) => boolean): Promise<Report> => eventually(query, async () => {
  const found = await report(query);
  return holds(found) && found;
});

describe('the books of money', () => {
  it('say what answers cost by share, and that nothing is known of their value', async () => {
    const features = { values: [1, 2, 3], ageSeconds: { airport: 1, weather: 2 } };
    await home.publish('prediction.scored.v1', ['a', 'b', 'c'].map((id) => ({ key: 'k', data: scored(id, { costMicroUsd: 0.5, team: 'growth', features }) })));
    await home.publish('prediction.scored.v1', [{ key: 'k', data: scored('d', { team: 'growth', features: { values: [] }, fallback: { kind: 'constant', reason: 'model_failed' } }) }]);
    await home.publish('prediction.rejected.v1', [{ key: 'k', data: rejected('e') }]);
    const { lines, total } = await once('groupBy=team', ({ total: { predictions } }) => predictions === 4);
    expect(lines).toMatchObject([{ team: 'growth', predictions: 4, cost: { computeMicroUsd: 1.5, featuresMicroUsd: expect.closeTo(3 * 2 * 0.02, 9), unmeasuredAnswers: 1 }, outcomes: { known: 0, coverage: 0, valued: 0 }, valueMicroUsd: null, netMicroUsd: null }]);
    expect(total.cost.storageMicroUsd).toBeGreaterThan(0);
    expect(total.cost.totalMicroUsd).toBeCloseTo(total.cost.computeMicroUsd + total.cost.featuresMicroUsd + total.cost.storageMicroUsd, 9);
  });

  it('are added to once, however often an answer is told', async () => {
    const before = (await report('groupBy=')).total;
    await home.publish('prediction.scored.v1', [{ key: 'k', data: scored('a', { costMicroUsd: 0.5, team: 'growth' }) }, { key: 'k', data: scored('f', { costMicroUsd: 0.25 }) }]);
    const { total } = await once('groupBy=', (found) => found.total.predictions === before.predictions + 1);
    expect(total.cost.computeMicroUsd).toBeCloseTo(before.cost.computeMicroUsd + 0.25, 9);
  });

  it('follow a prediction’s value through its corrections, on the day of the prediction', async () => {
    await home.publish('outcome.observed.v1', [{ key: 'o', data: outcome('a', { value: true }) }, { key: 'o', data: outcome('b', { value: false }) }]);
    const first = await once('groupBy=day,team', ({ total }) => total.outcomes.known === 2);
    expect(first.total).toMatchObject({ outcomes: { known: 2, valued: 2 }, valueMicroUsd: 700, valuePerValuedMicroUsd: 350, netMicroUsd: expect.closeTo(700 - first.total.cost.totalMicroUsd, 6) });
    await home.publish('outcome.observed.v1', [{ key: 'o', data: outcome('b', { value: true, sequence: 1 }) }]);
    const second = await once('groupBy=day,team', ({ total }) => total.valueMicroUsd === 2000);
    expect(second.total.outcomes).toEqual(first.total.outcomes);
  });

  it('keep what a displaced answer cost, not what it was worth', async () => {
    const before = (await report('groupBy=')).total;
    await home.publish('prediction.scored.v1', [{ key: 'k', data: scored('a', { attempt: 1, score: 0.1, costMicroUsd: 0.5, team: 'growth' }) }]);
    const { total } = await once('groupBy=', (found) => found.total.valueMicroUsd === 2000 - 1000 - 700);
    expect(total).toMatchObject({ predictions: before.predictions, outcomes: before.outcomes, cost: { computeMicroUsd: expect.closeTo(before.cost.computeMicroUsd + 0.5, 9) } });
  });

  it('have what shadows cost beside the predictions that were answered', async () => {
    await home.publish('prediction.shadowed.v1', [{ key: 's', data: scored('a', { role: 'shadow', version: '9', costMicroUsd: 2 }) }, { key: 's', data: scored('a', { role: 'shadow', version: '9', costMicroUsd: 2 }) }]);
    const { lines } = await once('groupBy=version,role', (found) => found.lines.some(({ role }) => role === 'shadow'));
    expect(lines.find(({ role }) => role === 'shadow')).toMatchObject({ version: '9', predictions: 0, shadows: 1, cost: { computeMicroUsd: 2, perPredictionMicroUsd: null } });
  });

  it('say what counting the rows would say', async () => {
    const { total } = await report('groupBy=');
    const [counted] = await home.sql<{ predictions: string; known: string; value: number }>(`SELECT (SELECT count(*) FROM prediction WHERE state <> 'rejected') AS predictions,
      (SELECT count(*) FROM prediction_joined) AS known, (SELECT sum(value_micro_usd) FROM prediction_joined) AS value`);
    expect([total.predictions, total.outcomes.known, total.valueMicroUsd]).toEqual([Number(counted!.predictions), Number(counted!.known), counted!.value]);
  });

  it('stay small however many teams there are: those beyond the bound of a day have one line together, also when their outcomes come', async () => {
    const requestedAt = new Date(Date.now() - 3 * 86_400_000).toISOString();
    const teams = Array.from({ length: MAX_TEAMS_A_DAY + 50 }, (_, index) => `team-${index}`);
    await home.publish('prediction.scored.v1', teams.map((team) => ({ key: 'k', data: scored(team, { team, requestedAt }) })));
    const day = requestedAt.slice(0, 10);
    const query = `from=${day}T00:00:00Z&to=${day}T12:00:00Z&groupBy=team`;
    const { lines } = await once(query, ({ total }) => total.predictions === teams.length);
    expect(lines).toHaveLength(MAX_TEAMS_A_DAY + 1);
    expect(lines.find(({ team }) => team === OTHER_TEAMS)?.predictions).toBe(50);
    await home.publish('outcome.observed.v1', teams.map((team) => ({ key: 'o', data: outcome(team, { value: true }) })));
    const after = await once(query, ({ total }) => total.outcomes.known === teams.length);
    expect(after.lines).toHaveLength(MAX_TEAMS_A_DAY + 1);
    expect(after.lines.find(({ team }) => team === OTHER_TEAMS)?.outcomes.known).toBe(50);
  });
});

it('metrics tell cost by share and value by model and version', async () => {
  ledger.app.get(CostGauges).soon();
  const text = await eventually('the gauges', async () => {
    const page = await (await fetch(`${ledger.url}/metrics`)).text();
    return /throughline_cost_micro_usd\{/.test(page) && page;
  });
  expect(text).toMatch(/throughline_cost_micro_usd\{model="flight-delay",version="1",share="storage"[^}]*\} \d/);
  expect(text).toMatch(/throughline_value_micro_usd\{model="flight-delay",version="1"[^}]*\} /);
});

it('a period without an end, up to the last instant there is, is told', async () => {
  const { total } = await report('from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z&groupBy=');
  expect(total.predictions).toBeGreaterThan(0);
});

it.each(['groupBy=colour', 'from=yesterday', 'colour=red', 'from=2001-02-01T00:00:00Z&to=2001-01-01T00:00:00Z', 'from=9999-12-31T00:00:00Z'])('%s is a problem that says what is wrong', async (query) => {
  expect((await fetch(`${ledger.url}/ledger/v1/costs?${query}`)).status).toBe(400);
});
