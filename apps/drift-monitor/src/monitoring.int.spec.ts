import type { Bus } from '@throughline/bus';
import { predictionId, type EventData } from '@throughline/contracts';
import { busOf, eventually, type Env, type SpawnedService } from '@throughline/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { alertsOn, deployment, HOUR_MS, joined, installation, publish, reportOf, scored, settled, spawnMonitor, T0, uniforms } from './testing/harness.js';

type Deployment = EventData<'model.deployment.v1'>;
type Scored = EventData<'prediction.scored.v1'>;

let env: Env;
let bus: Bus;
let monitor: SpawnedService;

beforeEach(async () => {
  env = installation();
  bus = busOf(env);
  await bus.admin.createTopics();
}, 60_000);
afterEach(async () => {
  await monitor?.crash();
  await bus?.close();
});

const watched = (model: string, monitoring: Deployment['monitoring'], revision = 1): Deployment => ({ ...deployment('1', revision), model, ...(monitoring === undefined ? {} : { monitoring }) });

/** Traffic of some hours in event time, evenly spaced; the second feature moved by `shift`. */
function traffic(model: string, fromHour: number, hours: number, count: number, shift = 0): Scored[] {
  const uniform = uniforms(7 + fromHour);
  return Array.from({ length: count }, (_, at) => {
    const id = `${model}-${fromHour}-${at}`;
    return { ...scored(id, T0 + fromHour * HOUR_MS + (at * hours * HOUR_MS) / count, [uniform(), uniform() + shift], uniform(), { model }), predictionId: predictionId('/test', id) };
  });
}
const spans = (windows: readonly { from: string; to: string }[]) => windows.map(({ from, to }) => [(Date.parse(from) - T0) / HOUR_MS, (Date.parse(to) - T0) / HOUR_MS]).reverse();

describe('how a model is watched', { timeout: 120_000 }, () => {
  it('windows are as long as the model’s policy says, beside a model with those of the settings', async () => {
    await publish(bus, 'model.deployment.v1', [watched('usual', undefined), watched('quick', { windowSeconds: { data: 900 }, minSamples: { numeric: 100 } })]);
    monitor = await spawnMonitor(env);
    const outcomes = traffic('quick', 0, 2.5, 20).map((one, at) => ({ ...joined(one.requestId, Date.parse(one.occurredAt), one.score!, at % 2 === 0), model: 'quick' }));
    await publish(bus, 'prediction.scored.v1', ['usual', 'quick'].flatMap((model) => traffic(model, 0, 1.5, 900)));
    await publish(bus, 'outcome.joined.v1', outcomes);
    const quick = await settled(bus, monitor.url, { data: 5, quality: 2 }, 'quick');
    const usual = await settled(bus, monitor.url, { data: 1 }, 'usual');
    expect(spans(usual.dataWindows)).toEqual([[0, 1], [1, 2]]);
    expect(spans(quick.dataWindows)).toEqual([0, 1, 2, 3, 4, 5].map((quarter) => [quarter / 4, (quarter + 1) / 4]));
    expect(spans(quick.servingWindows)).toEqual(spans(quick.dataWindows));
    expect(spans(quick.qualityWindows)).toEqual([[0, 1], [1, 2], [2, 3]]);
    expect(quick.dataWindows.at(-1)!.judgements.map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok']);
    expect(quick.monitoring).toEqual({
      windowSeconds: { data: 900, quality: 3600 }, alarms: ['data_drift', 'prediction_drift', 'quality'],
      minSamples: { numeric: 100, categorical: 500, auc: 300, calibration: 1000 }, minEffect: { distance: 0.1, share: 0.05, auc: 0.02, calibration: 0.05 },
    });
    expect(usual.monitoring).toMatchObject({ windowSeconds: { data: 3600, quality: 3600 }, minSamples: { numeric: 300 } });
  });

  it('an alarm that is off is judged and reported and not raised, and raised once it is on while the drift lasts', async () => {
    await publish(bus, 'model.deployment.v1', [watched('silent', { alarms: ['quality'] }), watched('loud', undefined)]);
    monitor = await spawnMonitor(env);
    await publish(bus, 'prediction.scored.v1', ['silent', 'loud'].flatMap((model) => traffic(model, 0, 3.5, 2800, 0.3)));
    const silent = await settled(bus, monitor.url, { data: 3 }, 'silent');
    const ofFeature = (report: typeof silent) => report.dataWindows.flatMap(({ judgements }) => judgements.filter(({ subject }) => subject === 'recent_delay').map(({ verdict, muted }) => [verdict, muted]));
    expect(ofFeature(silent)).toEqual([['drifted', true], ['drifted', true], ['drifted', true]]);
    await settled(bus, monitor.url, { data: 3 }, 'loud');
    const models = async () => (await alertsOn(bus)).map(({ model, subject }) => `${model} ${subject}`);
    expect(await eventually('the alert', async () => ((await models()).length > 0 ? models() : undefined))).toEqual(['loud recent_delay']);

    await publish(bus, 'model.deployment.v1', [watched('silent', undefined, 2)]);
    await eventually('the change is learnt', async () => ((await reportOf(monitor.url, 'silent')).monitoring.alarms.length === 3 ? true : undefined));
    await publish(bus, 'prediction.scored.v1', traffic('silent', 4, 1.5, 1200, 0.3));
    const after = await settled(bus, monitor.url, { data: 5 }, 'silent');
    expect(ofFeature(after).at(0)).toEqual(['drifted', undefined]);
    expect(await eventually('the alert', async () => ((await models()).length > 1 ? models() : undefined))).toEqual(['loud recent_delay', 'silent recent_delay']);
  });

  it('a change of the length leaves the open window as it is, across a kill -9, and only so many windows are kept', async () => {
    await publish(bus, 'model.deployment.v1', [watched('changed', undefined)]);
    monitor = await spawnMonitor(env);
    await publish(bus, 'prediction.scored.v1', traffic('changed', 0, 1.5, 30));
    await settled(bus, monitor.url, { data: 1 }, 'changed');
    await publish(bus, 'model.deployment.v1', [watched('changed', { windowSeconds: { data: 60 } }, 2)]);
    await eventually('the change is learnt', async () => ((await reportOf(monitor.url, 'changed')).monitoring.windowSeconds.data === 60 ? true : undefined));
    await publish(bus, 'prediction.scored.v1', traffic('changed', 1.6, 0.3, 10));
    await monitor.crash();
    monitor = await spawnMonitor(env);
    // Counted together with what comes now, they would have the new length begin an hour later.
    await settled(bus, monitor.url, { data: 1 }, 'changed');
    await publish(bus, 'prediction.scored.v1', traffic('changed', 2, 0.1, 6));
    const report = await settled(bus, monitor.url, { data: 6 }, 'changed');
    expect(report.late.predictions).toBe(0);
    expect(report.dataWindows.map(({ events }) => events).reverse()).toEqual([20, 20, 1, 1, 1, 1, 1, 1]);
    expect(spans(report.dataWindows).slice(0, 3)).toEqual([[0, 1], [1, 2], [2, expect.closeTo(2 + 1 / 60)]]);

    await publish(bus, 'prediction.scored.v1', traffic('changed', 3, 4, 240));
    const kept = await eventually('the windows are judged', async () => {
      const now = await reportOf(monitor.url, 'changed');
      // On the way there are moments with as many.
      return now.predictions === 152 && spans(now.dataWindows).at(-1)?.[1] === 7 ? now : undefined;
    });
    expect(spans(kept.dataWindows).at(-1)).toEqual([expect.closeTo(7 - 1 / 60), 7]);
    await publish(bus, 'prediction.scored.v1', traffic('changed', 0.5, 0.1, 5));
    expect(await eventually('what came late', async () => ((await reportOf(monitor.url, 'changed')).late.predictions === 5 ? true : undefined))).toBe(true);
  });
});
