import { removeHome } from '@throughline/local-stack';
import { logisticRegressionGraph, slowRunGraph } from '@throughline/onnx';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kill, startPlatform, type Running } from './platform.ts';

/** Candidates on trial in the flights replay: whole services, real outcomes, hours after their flights in the replay's time. */
const MODEL = '/registry/v1/models/flight-delay';

interface Version { readonly version: string; readonly artifactSha256: string; readonly metadata: Record<string, unknown>; readonly signature: { features: { name: string }[] } }
interface Rollout { readonly id: string; readonly status: string; readonly step: number; readonly conclusion?: string; readonly endedAt?: string; readonly verdicts: { guard: string; state: string }[] }

let platform: Running;
let champion: Version;

beforeAll(async () => {
  platform = await startPlatform(['--minutes', '3']);
  await platform.said(/made it champion/, 180_000);
  champion = await get<Version>(`${MODEL}/versions/1`);
}, 200_000);

afterAll(async () => {
  await kill(platform);
  await removeHome(platform.home);
}, 60_000);

const get = async <T>(path: string): Promise<T> => (await (await fetch(platform.origin + path)).json()) as T;

async function upload(artifact: Uint8Array, tag: string): Promise<string> {
  const form = new FormData();
  form.append('metadata', JSON.stringify({ ...champion.metadata, tags: { e2e: tag } }));
  form.append('artifact', new Blob([artifact as Uint8Array<ArrayBuffer>]), 'model.onnx');
  const response = await fetch(`${platform.origin}${MODEL}/versions`, { method: 'POST', body: form });
  const body = (await response.json()) as Version;
  expect(body, JSON.stringify(body)).toHaveProperty('version');
  return body.version;
}

async function rollOut(body: object): Promise<string> {
  const response = await fetch(`${platform.origin}${MODEL}/rollouts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ strategy: 'canary', author: 'e2e', evaluateEverySeconds: 1, ...body }) });
  const rollout = (await response.json()) as Rollout;
  expect(rollout, JSON.stringify(rollout)).toMatchObject({ status: 'warming' });
  return `${MODEL}/rollouts/${rollout.id}`;
}

async function untilOver(rollout: string, withinMs: number): Promise<Rollout> {
  for (const deadline = Date.now() + withinMs; ; await setTimeout(500)) {
    const seen = await get<Rollout>(rollout);
    if (seen.endedAt !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(seen)}`);
  }
}

const servedChampion = async (): Promise<string> => (await get<{ champion: { version: string } }>(`${MODEL}/deployment`)).champion.version;
const lastReplay = async (rollout: string): Promise<{ same: boolean; recorded: { guard: string; state: string }[] }> => {
  const events = await get<{ id: string; hasEvidence: boolean }[]>(`${rollout}/events`);
  return get(`${rollout}/events/${events.findLast(({ hasEvidence }) => hasEvidence)!.id}/replay`);
};

describe('in the flights replay', () => {
  it('a candidate that is worse on outcomes is rolled back by itself, with evidence that gives the same verdict again', async () => {
    const width = champion.signature.features.length;
    const coin = logisticRegressionGraph({ weights: Array.from({ length: width }, () => 0), bias: 0, mean: Array.from({ length: width }, () => 0), scale: Array.from({ length: width }, () => 1), featureNames: champion.signature.features.map(({ name }) => name) });
    const rollout = await rollOut({ candidate: await upload(coin, 'coin'), steps: [{ share: 0.3, minSeconds: 3600 }, { share: 1 }], guards: [{ kind: 'quality', loss: 'squared_error', maxIncrease: 0.02, minSamples: 300 }] });
    const over = await untilOver(rollout, 120_000);
    expect(over).toMatchObject({ status: 'rolled_back', step: 1 });
    expect(await servedChampion()).toBe('1');
    expect(await lastReplay(rollout)).toMatchObject({ same: true, recorded: [{ guard: 'quality', state: 'breached' }] });
  }, 150_000);

  it('a candidate with a slow graph is rolled back by its p99', async () => {
    const slow = slowRunGraph({ features: champion.signature.features.length, size: 256, steps: 400 });
    const rollout = await rollOut({ candidate: await upload(slow, 'slow'), steps: [{ share: 0.05, minSeconds: 3600 }, { share: 1 }], guards: [{ kind: 'p99_latency', maxRatio: 2, minSamples: 100 }] });
    expect(await untilOver(rollout, 120_000)).toMatchObject({ status: 'rolled_back', step: 1 });
    expect(await servedChampion()).toBe('1');
    expect(await lastReplay(rollout)).toMatchObject({ same: true, recorded: [{ guard: 'p99_latency', state: 'breached' }] });
  }, 150_000);

  it('an equal candidate takes every step, by predictions and by outcomes, and becomes champion', async () => {
    const artifact = new Uint8Array(await (await fetch(`${platform.origin}/registry/v1/artifacts/${champion.artifactSha256}`)).arrayBuffer());
    const version = await upload(artifact, 'equal');
    const step = { minSeconds: 1, minPredictions: 300, minOutcomes: 100 };
    const rollout = await rollOut({ candidate: version, steps: [{ share: 0.2, ...step }, { share: 0.5, ...step }, { share: 1, ...step }] });
    expect(await untilOver(rollout, 120_000)).toMatchObject({ status: 'promoted', step: 3 });
    expect(await servedChampion()).toBe(version);
  }, 150_000);
});
