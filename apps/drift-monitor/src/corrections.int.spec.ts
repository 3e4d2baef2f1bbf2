import type { Bus } from '@throughline/bus';
import { encodeEvent, type EventData } from '@throughline/contracts';
import { busOf, eventually, type Env, type SpawnedService } from '@throughline/testing';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { qualityOf, recountQuality } from './domain/quality.js';
import { deployment, HOUR_MS, joined, installation, reportOf, settled, spawnMonitor, T0, uniforms } from './testing/harness.js';
import type { Report } from './store/reports.js';

type Joined = EventData<'outcome.joined.v1'>;

let env: Env;
let bus: Bus;
let monitor: SpawnedService;

beforeEach(async () => {
  env = installation();
  bus = busOf(env);
  await bus.admin.createTopics();
  await tell('model.deployment.v1', [deployment()]);
}, 60_000);
afterEach(async () => {
  await monitor?.crash();
  await bus?.close();
});

/** As the ledger does: words on a prediction under its id, one after the other. */
async function tell(topic: 'outcome.joined.v1' | 'model.deployment.v1', events: readonly EventData<typeof topic>[]): Promise<void> {
  const messages = events.map((data, index) => ({
    topic, key: 'predictionId' in data ? data.predictionId : data.model, ...encodeEvent(topic, { id: `${index}`, source: '/test', timeMs: Date.now(), data: data as never }),
  }));
  for (let start = 0; start < messages.length; start += 2000) await bus.producer.sendAll(messages.slice(start, start + 2000));
}

const HOURS = 6;
/** None came by the end of its maturity, and that means false. */
const assumed = (id: number, atMs: number, score: number): Joined => ({ ...joined(`${id}`, atMs, score, false), revision: 0, assumed: true, outcomeSource: 'throughline/maturity' });
const corrected = (word: Joined, atMs: number, outcome: boolean): Joined => ({
  ...word, outcome, correct: word.score! >= 0.5 === outcome, assumed: false, outcomeSource: 'arrivals', correction: true, revision: word.revision! + 1, outcomeOccurredAt: new Date(atMs).toISOString(),
  delaySeconds: (atMs - Date.parse(word.predictedFor)) / 1000,
});

/** Assumed at their maturity; a third happened after all, earlier than that, and a tenth of these did not in the end. */
function histories(count: number): Joined[][] {
  const uniform = uniforms(3);
  return Array.from({ length: count }, (_, id) => {
    const atMs = T0 + (1 + uniform() * (HOURS - 1)) * HOUR_MS;
    const words = [assumed(id, Math.floor(atMs), uniform())];
    if (id % 3 === 0) words.push(corrected(words[0]!, Math.floor(atMs - HOUR_MS * uniform()), true));
    if (id % 30 === 0) words.push(corrected(words[1]!, Math.floor(atMs), false));
    return words;
  });
}

/** What from-scratch counting gives, by the hour. */
function figuresOf(words: readonly Joined[]): Map<string, object> {
  const byHour = Map.groupBy(words, ({ outcomeOccurredAt }) => new Date(Math.floor(Date.parse(outcomeOccurredAt) / HOUR_MS) * HOUR_MS).toISOString());
  return new Map([...byHour].map(([from, members]) => [from, rounded(qualityOf(recountQuality(members, true)))]));
}
/** Sums of floats depend on their order in the last digits. */
const rounded = (quality: object): object => JSON.parse(JSON.stringify(quality), (_, value: unknown) => (typeof value === 'number' ? Number(value.toPrecision(8)) : value)) as object;
const shown = (report: Report): Map<string, object> => new Map(report.qualityWindows.map(({ from, quality }) => [from, rounded(quality)]));
const sorted = (windows: ReadonlyMap<string, object>) => [...windows].sort(([a], [b]) => (a < b ? -1 : 1));
const lastWords = (all: readonly Joined[][]): Joined[] => all.map((words) => words.at(-1)!);
const shuffled = <T>(items: readonly T[], seed: number): T[] => {
  const uniform = uniforms(seed);
  return items.map((item) => [uniform(), item] as const).sort(([a], [b]) => a - b).map(([, item]) => item);
};
const counted = async (): Promise<number> => (await bus.admin.offsets('outcome.joined.v1', 'drift-monitor')).reduce((sum, { committed }) => sum + Number(committed ?? 0n), 0);
const metricOf = async (pattern: RegExp): Promise<string | undefined> => pattern.exec(await (await fetch(`${monitor.url}/metrics`)).text())?.[1];

describe('outcomes that are corrected', { timeout: 120_000 }, () => {
  it('leave the figures of their last words, in whatever order and however often they come, killed in their midst, told again from the first to the last', async () => {
    const all = histories(6000);
    const words = shuffled([...all.flat(), ...all.flat().slice(0, 1500)], 9);
    await tell('outcome.joined.v1', words);
    for (const share of [0.3, 0.7]) {
      monitor = await spawnMonitor(env);
      await eventually('it is in the middle of the work', async () => ((await counted()) >= share * words.length ? true : undefined));
      await monitor.crash();
    }
    monitor = await spawnMonitor(env);
    // The last hour stays open.
    const report = await settled(bus, monitor.url, { data: 0, quality: HOURS - 1 });
    expect(sorted(shown(report))).toEqual(sorted(figuresOf(lastWords(all))));
    expect([report.outcomes, report.late.outcomes, report.corrections.applied > 0]).toEqual([6000, 0, true]);
    // Told again as a rebuild tells it: the last word on each.
    await tell('outcome.joined.v1', lastWords(all));
    const again = await settled(bus, monitor.url, { data: 0, quality: HOURS - 1 });
    expect(again).toEqual(report);
  });

  it('change a window that was judged, and not its verdict; beside it stands what the figures of now would be judged', async () => {
    const uniform = uniforms(5);
    const words = Array.from({ length: 2000 }, (_, id) => {
      const score = uniform();
      return { ...joined(`${id}`, T0 + (id * HOUR_MS) / 2000, score, uniform() < score), revision: 0 };
    });
    monitor = await spawnMonitor(env);
    await tell('outcome.joined.v1', [...words, joined('later', T0 + 2 * HOUR_MS, 0.5, true)]);
    const before = (await settled(bus, monitor.url, { data: 0, quality: 1 })).qualityWindows.at(-1)!;
    expect([before.amended, before.judgementsNow, before.judgements.map(({ subject, verdict }) => [subject, verdict])]).toEqual([0, undefined, [['auc', 'ok'], ['ece', 'ok']]]);

    const turned = words.slice(0, 1000).map((word) => corrected(word, Date.parse(word.outcomeOccurredAt), word.score! < 0.5));
    await tell('outcome.joined.v1', turned);
    const report = await settled(bus, monitor.url, { data: 0, quality: 1 });
    const after = report.qualityWindows.at(-1)!;
    expect(rounded(after.quality)).toEqual(figuresOf([...turned, ...words.slice(1000)]).get(after.from));
    expect(after).toMatchObject({ events: 2000, amended: 2000, judgements: before.judgements });
    expect(after.judgementsNow!.map(({ subject, verdict }) => [subject, verdict])).toEqual([['auc', 'drifted'], ['ece', 'drifted']]);
    expect(report.corrections).toEqual({ applied: 1000, unheld: 0 });
    expect(await metricOf(/throughline_drift_corrections_total\{[^}]*result="applied"[^}]*\} (\d+)/)).toBe('1000');
    const auc = await eventually('the gauge shows the window as it is now', async () => {
      const value = Number(await metricOf(/throughline_model_quality\{[^}]*measure="auc"[^}]*\} ([\d.]+)/));
      return Math.abs(value - after.quality.auc!) < 1e-6 ? value : undefined;
    });
    expect(auc).toBeLessThan(0.8);
  });

  it('of a window that is closed for good leave it as it is, and are counted', async () => {
    env = { ...env, DRIFT_CORRECTABLE_OUTCOMES: '150' };
    monitor = await spawnMonitor(env);
    // Of the three hours that are judged the last has a hundred outcomes; with those of the hour before there are too many.
    const words = Array.from({ length: 350 }, (_, id) => ({ ...joined(`${id}`, T0 + (id / 100) * HOUR_MS, 0.25, false), revision: 0 }));
    await tell('outcome.joined.v1', words);
    await settled(bus, monitor.url, { data: 0, quality: 3 });
    await tell('outcome.joined.v1', [{ ...joined('later', T0 + 4.5 * HOUR_MS, 0.25, false), revision: 0 }]);
    const before = await settled(bus, monitor.url, { data: 0, quality: 4 });
    expect(before.corrections).toEqual({ applied: 0, unheld: 0 });

    const first = words[0]!;
    await tell('outcome.joined.v1', [
      corrected(first, Date.parse(first.outcomeOccurredAt), true), // into the window it was in
      corrected(words[1]!, T0 + 4.25 * HOUR_MS, true), // from there into one that is open
      corrected(words[320]!, T0 + HOUR_MS, true), // from one that is held into one that is closed
      { ...joined('straggler', T0 + HOUR_MS, 0.25, false), revision: 0 },
    ]);
    const after = await settled(bus, monitor.url, { data: 0, quality: 4 });
    expect(after.corrections).toEqual({ applied: 1, unheld: 2 });
    expect(after.late.outcomes).toBe(3);
    expect(after.qualityWindows.map(({ events, amended }) => [events, amended])).toEqual([[2, 0], [49, 1], [100, 0], [100, 0], [100, 0]]);
    expect(await metricOf(/throughline_drift_corrections_total\{[^}]*result="unheld"[^}]*\} (\d+)/)).toBe('2');
    expect(await metricOf(/throughline_drift_late_outcomes_total\{[^}]*\} (\d+)/)).toBe('3');
  });

  it('count nothing twice in a window that an instance of the release before has judged: it holds no outcomes of it', async () => {
    const words = Array.from({ length: 200 }, (_, id) => ({ ...joined(`${id}`, T0 + (id / 100) * HOUR_MS, 0.25, false), revision: 0 }));
    monitor = await spawnMonitor(env);
    await tell('outcome.joined.v1', [...words, { ...joined('later', T0 + 2.5 * HOUR_MS, 0.25, false), revision: 0 }]);
    const before = await settled(bus, monitor.url, { data: 0, quality: 2 });
    const database = new pg.Client({ connectionString: env['DATABASE_URL'], options: `-c search_path=${env['DATABASE_SCHEMA_PREFIX']}drift_monitor` });
    await database.connect();
    await database.query('DELETE FROM counted WHERE start_ms = $1', [T0 + HOUR_MS]);
    await database.end();
    await tell('outcome.joined.v1', words.slice(100));
    const after = await settled(bus, monitor.url, { data: 0, quality: 2 });
    expect(after.qualityWindows).toEqual(before.qualityWindows);
    expect(after.late.outcomes).toBe(100);
  });

  it('leave the windows of another model alone when its answer displaced the one they were told of, and hold up nobody', async () => {
    await tell('model.deployment.v1', [{ ...deployment(), model: 'another' }]);
    monitor = await spawnMonitor(env);
    const first = { ...joined('a', T0, 0.25, false), revision: 0 };
    await tell('outcome.joined.v1', [first]);
    await eventually('it is counted', async () => (await counted()) === 1);
    await tell('outcome.joined.v1', [{ ...first, model: 'another', role: 'challenger', revision: 1, correction: true }, first, { ...joined('b', T0, 0.25, false), revision: 0 }, { ...joined('c', T0, 0.25, false), model: 'another', revision: 0 }]);
    await eventually('all is counted', async () => (await counted()) === 5);
    expect([(await reportOf(monitor.url)).outcomes, (await reportOf(monitor.url, 'another')).outcomes]).toEqual([2, 1]);
  });
});
