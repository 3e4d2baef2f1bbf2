import type { Bus } from '@throughline/bus';
import { decodeOrThrow, encodeEvent, predictionId, type EventData, type EventTopic } from '@throughline/contracts';
import { freezeNumericProfile } from '@throughline/stats';
import { eventually, newInstallation, spawnService, type Env, type SpawnedService } from '@throughline/testing';
import type { Report } from '../store/reports.js';

export const MODEL = 'flight-delay';
export const HOUR_MS = 3_600_000;
export const T0 = Date.UTC(2001, 1, 1);
const SHA = 'a'.repeat(64);
const SOURCE = '/test';

/** Windows of an hour, judged a minute later. */
export const installation = (): Env => newInstallation({ DRIFT_WINDOW_SECONDS: '3600', DRIFT_LATENESS_SECONDS: '60' });
/** The service as a process of its own, ready. */
export const spawnMonitor = (env: Env): Promise<SpawnedService> => spawnService('drift-monitor', env);

/** The same values in every run: uniform in [0, 1). */
export function uniforms(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

const values = (seed: number): number[] => {
  const uniform = uniforms(seed);
  return Array.from({ length: 6000 }, uniform);
};

/** A champion with two features, each uniform in [0, 1) in the baseline, as is the score. */
export const deployment = (version = '1', revision = 1): EventData<'model.deployment.v1'> => ({
  model: MODEL, revision, updatedAt: new Date(T0).toISOString(), challengers: [], shadows: [],
  champion: {
    version, artifactSha256: SHA, sizeBytes: 1, metrics: { auc: 0.85 },
    signature: {
      inputs: [], outputs: [], task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 },
      features: [{ name: 'distance', kind: 'numeric' }, { name: 'recent_delay', kind: 'numeric' }],
    },
    baselineProfile: {
      rowCount: 6000, features: { distance: freezeNumericProfile(values(1)), recent_delay: freezeNumericProfile(values(2)) }, outputs: { score: freezeNumericProfile(values(3)) },
    },
  },
});

export const scored = (id: string, occurredAtMs: number, features: (number | null)[], score: number, change: Partial<EventData<'prediction.scored.v1'>> = {}): EventData<'prediction.scored.v1'> => ({
  predictionId: predictionId(SOURCE, id), requestSource: SOURCE, requestId: id, lane: 'stream', occurredAt: new Date(occurredAtMs).toISOString(), requestedAt: new Date(T0).toISOString(),
  model: MODEL, version: '1', artifactSha256: SHA, role: 'champion', assignmentRevision: 1, outputs: { probability: [score] }, score, features: { values: features },
  timingsMs: {}, batchSize: 1, scoredAt: new Date(T0).toISOString(), worker: 'w', ...change,
});

export const joined = (id: string, occurredAtMs: number, score: number, outcome: boolean): EventData<'outcome.joined.v1'> => ({
  predictionId: predictionId(SOURCE, id), requestSource: SOURCE, requestId: id, model: MODEL, version: '1', role: 'champion', lane: 'stream', assignmentRevision: 1, score, outcome,
  outcomeSource: 'arrivals', sequence: 0, correction: false, predictedFor: new Date(occurredAtMs - HOUR_MS).toISOString(), requestedAt: new Date(T0).toISOString(),
  outcomeOccurredAt: new Date(occurredAtMs).toISOString(), delaySeconds: 3600, correct: score >= 0.5 === outcome,
});

/** Published in this order; keys spread them over the partitions. */
export async function publish<T extends EventTopic>(bus: Bus, topic: T, events: readonly EventData<T>[]): Promise<void> {
  for (let start = 0; start < events.length; start += 2000) {
    await bus.producer.sendAll(events.slice(start, start + 2000).map((data, index) => ({ topic, key: `k${start + index}`, ...encodeEvent(topic, { id: `${start + index}`, source: SOURCE, timeMs: Date.now(), data }) })));
  }
}

export const reportOf = async (url: string, model = MODEL): Promise<Report> => (await (await fetch(`${url}/monitor/v1/models/${model}/report`)).json()) as Report;

/** Resolves when everything on both topics has been counted and nothing is left to be judged but the newest window. */
export async function settled(bus: Bus, url: string, judgedWindows: { data: number; quality?: number }, model = MODEL): Promise<Report> {
  return eventually('windows are judged', async () => {
    for (const topic of ['prediction.scored.v1', 'outcome.joined.v1'] as const) {
      const ends = await bus.admin.offsets(topic, 'drift-monitor');
      if (ends.some(({ high, committed }) => high > 0n && committed !== high)) return undefined;
    }
    const report = await reportOf(url, model);
    const judged = (windows: readonly { open: boolean }[]): number => windows.filter(({ open }) => !open).length;
    return judged(report.dataWindows) === judgedWindows.data && judged(report.qualityWindows) === (judgedWindows.quality ?? 0) ? report : undefined;
  });
}

/** What is on `alert.raised` now, copies of one alert counted apart. */
export async function alertsOn(bus: Bus): Promise<EventData<'alert.raised.v1'>[]> {
  const alerts: EventData<'alert.raised.v1'>[] = [];
  await bus.admin.scan('alert.raised.v1', (messages) => void alerts.push(...messages.map((message) => decodeOrThrow('alert.raised.v1', message).data)));
  return alerts;
}
