import { encodeEvent, predictionId } from '@throughline/contracts';
import { spawnService, type SpawnedService } from '@throughline/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { numeric, signature, trees } from '../testing/models.js';

const COUNT = 20_000;
const KEYS = 500;
const features = Array.from({ length: 10 }, (_, index) => numeric(`f${index}`));

let installation: Installation;
const workers: SpawnedService[] = [];

beforeAll(async () => {
  installation = await Installation.create();
  await installation.deploy({ model: 'trees', revision: 1, champion: installation.version('1', trees(10), signature(features)) });
}, 60_000);

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
  await installation?.close();
});

async function start(): Promise<SpawnedService> {
  const worker = await spawnService('inference-worker', installation.env, { until: 'listening' });
  workers.push(worker);
  return worker;
}

function request(index: number) {
  const data = { model: 'trees', features: Object.fromEntries(features.map(({ name }, column) => [name, Math.sin(index + column)])) };
  return { topic: 'prediction.requested.v1' as const, key: `key-${index % KEYS}`, ...encodeEvent('prediction.requested.v1', { id: String(index), source: '/kill', timeMs: Date.now(), data }) };
}

it('loses no request of 20,000 to kill -9 in their midst, and keeps the order of each key', async () => {
  const { scored } = installation.answers;
  for (let from = 0; from < COUNT; from += 2000) await installation.send(...Array.from({ length: 2000 }, (_, index) => request(from + index)));
  const first = await start();
  await installation.answers.until('the first 3,000 answers', () => scored.length >= 3000, 60_000);
  await first.crash();
  const answeredBeforeDeath = scored.length;
  expect(answeredBeforeDeath).toBeLessThan(COUNT);

  const second = await start();
  const wanted = new Set(Array.from({ length: COUNT }, (_, index) => predictionId('/kill', String(index))));
  const distinct = new Set<string>();
  let seen = 0;
  await installation.answers.until('20,000 distinct predictions', () => {
    for (; seen < scored.length; seen++) distinct.add(scored[seen]!.data.predictionId);
    return distinct.size >= COUNT;
  }, 90_000);
  expect(distinct).toEqual(wanted);
  expect(installation.answers.rejected).toEqual([]);

  const lastOfKey = new Map<string, number>();
  const answered = new Set<string>();
  for (const { data, message } of scored) {
    // What a replay answers again comes late by nature; the first answers must be in order.
    if (answered.has(data.predictionId)) continue;
    answered.add(data.predictionId);
    const key = message.key!.toString();
    expect(Number(data.requestId)).toBeGreaterThan(lastOfKey.get(key) ?? -1);
    lastOfKey.set(key, Number(data.requestId));
  }
  expect(await second.end('SIGTERM')).toBe(0);
}, 180_000);
