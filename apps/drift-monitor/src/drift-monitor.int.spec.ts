import type { Bus } from '@throughline/bus';
import { predictionId, type EventData } from '@throughline/contracts';
import { busOf, eventually, type Env, type SpawnedService } from '@throughline/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertsOn, deployment, HOUR_MS, joined, installation, publish, scored, settled, spawnMonitor, T0, uniforms } from './testing/harness.js';

let env: Env;
let bus: Bus;
let monitor: SpawnedService | undefined;

beforeEach(async () => {
  env = installation();
  bus = busOf(env);
  await bus.admin.createTopics();
  await publish(bus, 'model.deployment.v1', [deployment()]);
}, 60_000);
afterEach(async () => {
  await monitor?.crash();
  await bus?.close();
});

type Scored = EventData<'prediction.scored.v1'>;

/** An hour of traffic in event time, evenly spaced. */
function hour(index: number, count: number, shift = 0, change: Partial<Scored> = {}): Scored[] {
  const uniform = uniforms(100 + index);
  return Array.from({ length: count }, (_, at) => scored(`${index}-${at}`, T0 + index * HOUR_MS + (at * HOUR_MS) / count, [uniform(), uniform() + shift], uniform(), change));
}
const hours = (shifts: readonly number[], count = 800): Scored[] => shifts.flatMap((shift, index) => hour(index, count, shift));
/** Sums of floats depend on their order in the last digits, and batches are cut by chance. */
const rounded = (report: object): unknown => JSON.parse(JSON.stringify(report), (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(9)) : value));
const verdictsOf = (windows: readonly { judgements: readonly { subject: string; verdict: string }[] }[], subject: string) =>
  windows.flatMap(({ judgements }) => judgements.filter((judgement) => judgement.subject === subject).map(({ verdict }) => verdict)).reverse();

describe('the drift monitor', { timeout: 120_000 }, () => {
  it('raises exactly one alarm for a feature that moved, in the second window that shows it, and none for traffic like the baseline', async () => {
    monitor = await spawnMonitor(env);
    await publish(bus, 'prediction.scored.v1', hours([0, 0, 0.3, 0.3, 0.3, 0]));
    const report = await settled(bus, monitor.url, { data: 5 });
    expect(verdictsOf(report.dataWindows, 'recent_delay')).toEqual(['ok', 'ok', 'drifted', 'drifted', 'drifted']);
    expect(verdictsOf(report.dataWindows, 'distance')).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    expect(report.late).toEqual({ predictions: 0, outcomes: 0 });
    const alerts = await eventually('the alert is published', async () => ((await alertsOn(bus)).length > 0 ? alertsOn(bus) : undefined));
    expect(alerts).toMatchObject([{ kind: 'data_drift', subject: 'recent_delay', version: '1', windowFrom: new Date(T0 + 3 * HOUR_MS).toISOString(), sampleCount: 800, evidence: { ksDistance: expect.closeTo(0.3, 1) } }]);
    expect((await (await fetch(`${monitor.url}/monitor/v1/alerts?model=flight-delay`)).json()) as object).toEqual({ alerts });
  });

  it('finds a feature that stopped coming and an AUC that fell', async () => {
    monitor = await spawnMonitor(env);
    const dead = hours([0, 0, 0, 0]).map((one) => ({ ...one, features: { values: [one.features.values[0]!, null] } }));
    const uniform = uniforms(7);
    const outcomes = Array.from({ length: 4 }, (_, index) => Array.from({ length: 1500 }, (__, at) => {
      const score = uniform();
      return joined(`${index}-${at}`, T0 + index * HOUR_MS + (at * HOUR_MS) / 1500, score, uniform() < (index === 0 ? score : 0.5 + (score - 0.5) / 4));
    })).flat();
    await publish(bus, 'prediction.scored.v1', dead);
    await publish(bus, 'outcome.joined.v1', outcomes);
    const report = await settled(bus, monitor.url, { data: 3, quality: 3 });
    expect(report.qualityWindows.at(-1)!.quality.auc).toBeGreaterThan(0.8);
    const alerts = await eventually('the alerts are published', async () => ((await alertsOn(bus)).length >= 3 ? alertsOn(bus) : undefined));
    expect(alerts.map(({ kind, subject }) => `${kind} ${subject}`).sort()).toEqual(['data_drift recent_delay', 'quality auc', 'quality ece']);
    const metrics = await (await fetch(`${monitor.url}/metrics`)).text();
    expect(metrics).toMatch(/throughline_drift_statistic\{[^}]*column="recent_delay"[^}]*statistic="missingShare"[^}]*\} 1/);
    expect(metrics).toMatch(/throughline_model_quality\{[^}]*measure="auc"/);
  });

  it('counts a prediction once, however often it comes, and counts only what the champion said', async () => {
    monitor = await spawnMonitor(env);
    const traffic = hours([0, 0]);
    const changes: Partial<Scored>[] = [{ role: 'challenger' }, { role: 'pinned' }, { fallback: { kind: 'constant', reason: 'model_failed' }, features: { values: [] } }, { version: 'unknown' }];
    const others = changes.flatMap((change, kind) => hour(0, 300, 5, change).map((one) => ({ ...one, predictionId: predictionId('/others', `${kind}-${one.requestId}`) })));
    await publish(bus, 'prediction.scored.v1', [...others, ...traffic, ...traffic, hour(3, 1)[0]!]);
    const report = await settled(bus, monitor.url, { data: 2 });
    expect(report.dataWindows.map(({ events }) => events)).toEqual([1, 800, 800]);
    expect(report.dataWindows.at(-1)!.judgements.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
    expect(report.servingWindows.map(({ fallbacks }) => fallbacks)).toEqual([{}, {}, { constant: 300 }]);
    expect(report.servingWindows[2]!.fallbackShare).toBeCloseTo(300 / (800 + 300 + 300), 5);
  });

  it('reports how the model is served: stages against their budgets, the one that eats most, and how often a fallback answered', async () => {
    await publish(bus, 'model.deployment.v1', [{ ...deployment('1', 2), latencyBudgetMs: { queue: 5, inference: 2 } }]);
    monitor = await spawnMonitor(env);
    const timingsMs = { transport: 1, queue: 1, features: 0.2, preprocess: 0.01, inference: 0.5, postprocess: 0.02, total: 2.73 };
    const answers = hour(0, 200).map((one, index) => ({
      ...one, scoredAt: new Date().toISOString(), timingsMs: { ...timingsMs, queue: index % 10 === 0 ? 8 : 1 },
      ...(index % 20 === 0 ? { features: { values: [] }, fallback: { kind: 'last_known_good', reason: 'circuit_open' } } : {}),
    }));
    const batch = hour(0, 50, 0, { lane: 'batch', timingsMs: { queue: 60_000, total: 60_000 } }).map((one) => ({ ...one, predictionId: predictionId('/batch', one.requestId) }));
    await publish(bus, 'prediction.scored.v1', [...answers, ...batch, hour(3, 1)[0]!]);
    const report = await settled(bus, monitor.url, { data: 1 });
    expect(report).toMatchObject({ fallbacks: { last_known_good: 10 }, predictions: 241, servingWindows: [{ open: true }, { open: false, fallbackShare: 10 / 250, latency: { answers: 200 } }] });
    const { stages, worstStage } = report.servingWindows[1]!.latency;
    expect(stages.map(({ stage }) => stage)).toEqual(['transport', 'queue', 'features', 'preprocess', 'inference', 'postprocess', 'publish']);
    expect(stages[1]).toMatchObject({ budgetMs: 5, shareOverBudget: 0.1, p50Ms: expect.closeTo(1, 1), p99Ms: expect.closeTo(8, 0) });
    expect(worstStage).toMatchObject({ stage: 'queue', summary: expect.stringContaining('of the 5 ms allowed') });
    const metrics = await eventually('the metrics', async () => {
      const page = await (await fetch(`${monitor!.url}/metrics`)).text();
      return page.includes('throughline_fallback_share_ratio{') ? page : undefined;
    });
    expect(metrics).toMatch(/throughline_fallback_share_ratio\{[^}]*model="flight-delay"[^}]*\} 0\.04/);
    expect(metrics).toMatch(/throughline_stage_p99_seconds\{[^}]*stage="queue"[^}]*\} 0\.00[78]/);
  });

  it('judges the last window of a version that was replaced', async () => {
    monitor = await spawnMonitor(env);
    await publish(bus, 'model.deployment.v1', [deployment('2', 2)]);
    await publish(bus, 'prediction.scored.v1', [...hour(0, 400), ...hour(2, 400, 0, { version: '2' })]);
    const { dataWindows } = await settled(bus, monitor.url, { data: 1 });
    expect(dataWindows.map(({ version, open }) => [version, open])).toEqual([['2', true], ['1', false]]);
  });

  it('gives the verdicts of an undisturbed run when it reads a backlog and is killed while it does, and drops nothing as late', async () => {
    const traffic = hours([0, 0, 0.3, 0.3, 0, 0, 0.3, 0.3, 0.3, 0, 0], 2000);
    await publish(bus, 'prediction.scored.v1', traffic);
    for (const target of [0.3, 0.6]) {
      monitor = await spawnMonitor(env);
      await eventually('it is in the middle of the work', async () => {
        const ends = await bus.admin.offsets('prediction.scored.v1', 'drift-monitor');
        return ends.reduce((sum, { committed }) => sum + Number(committed ?? 0n), 0) >= target * traffic.length ? true : undefined;
      });
      await monitor.crash();
    }
    monitor = await spawnMonitor(env);
    const report = await settled(bus, monitor.url, { data: 10 });
    expect(report.late.predictions).toBe(0);
    expect(report.dataWindows.map(({ events }) => events)).toEqual(new Array(11).fill(2000));

    const [quietEnv, disturbed] = [installation(), report];
    const quietBus = busOf(quietEnv);
    await quietBus.admin.createTopics();
    await publish(quietBus, 'model.deployment.v1', [deployment()]);
    const quiet = await spawnMonitor(quietEnv);
    try {
      await publish(quietBus, 'prediction.scored.v1', traffic);
      const undisturbed = await settled(quietBus, quiet.url, { data: 10 });
      expect(rounded(disturbed)).toEqual(rounded(undisturbed));
      const ids = (alerts: EventData<'alert.raised.v1'>[]) => [...new Set(alerts.map(({ alertId }) => alertId))].sort();
      const expected = await eventually('its alerts are published', async () => ((await alertsOn(quietBus)).length >= 2 ? ids(await alertsOn(quietBus)) : undefined));
      expect(expected).toHaveLength(2);
      expect(await eventually('the same alerts are published', async () => ((await alertsOn(bus)).length >= 2 ? ids(await alertsOn(bus)) : undefined))).toEqual(expected);
    } finally {
      await quiet.crash();
      await quietBus.close();
    }
  });
});
