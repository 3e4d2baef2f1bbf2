import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeEvent } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { gradientBoostedTreesGraph, randomTreeEnsemble } from '@throughline/onnx';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, logisticScore, numeric, signature } from '../testing/models.js';

const features = [numeric('hour'), numeric('distance')];

let installation: Installation;
const workers: RunningService[] = [];

beforeEach(async () => {
  installation = await Installation.create();
}, 60_000);

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
  await installation.close();
});

async function start(): Promise<RunningService> {
  const worker = await installation.startWorker();
  workers.push(worker);
  return worker;
}

let nextId = 0;
function flight(model = 'flights') {
  const id = String(nextId++);
  const data = { model, features: { hour: 7, distance: 337 } };
  return { topic: 'prediction.requested.v1' as const, key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/swap', timeMs: Date.now(), data }) };
}
const idOf = ({ value }: { value: string }): string => (JSON.parse(value) as { id: string }).id;
const version = (number: number) => installation.version(String(number), logistic(features, number), signature(features));
const readiness = async (worker: RunningService) => (await fetch(`${worker.url}/health/ready`)).status;

it('swaps to a new version while requests stream, answers every one of them once, and no old version after the new one on a key', async () => {
  await installation.deploy({ model: 'flights', revision: 1, champion: version(1) });
  await start();
  const { scored, rejected } = installation.answers;
  let sent = 0;
  const stream = (async () => {
    while (!scored.some(({ data }) => data.version === '2')) {
      await installation.send(...Array.from({ length: 20 }, () => flight()));
      sent += 20;
    }
  })();
  await installation.answers.until('the first answers', () => scored.length > 100);
  await installation.deploy({ model: 'flights', revision: 2, champion: version(2) });
  await stream;
  await installation.answers.until('all answers', () => scored.length >= sent);
  expect(new Set(scored.map(({ data }) => data.requestId)).size).toBe(sent);
  expect(scored).toHaveLength(sent);
  expect(rejected).toEqual([]);
  for (const { data } of scored) {
    expect(data.assignmentRevision).toBe(Number(data.version));
    expect(data.score).toBeCloseTo(logisticScore([7, 337], Number(data.version)), 6);
  }
  const perPartition = Map.groupBy(scored, ({ message }) => message.partition);
  for (const events of perPartition.values()) {
    const versions = events.map(({ data }) => data.version);
    expect(versions.lastIndexOf('1')).toBeLessThan(versions.includes('2') ? versions.indexOf('2') : Infinity);
  }
}, 60_000);

it('makes no request wait for a large version to load', async () => {
  await installation.deploy({ model: 'flights', revision: 1, champion: version(1) });
  await start();
  const large = gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 1000, depth: 7, features: 2, seed: 1 }));
  const champion = installation.version('2', large, signature(features));
  const waitsMs: number[] = [];
  const ask = async () => {
    const request = flight();
    const sentMs = performance.now();
    await installation.send(request);
    const { version: answeredBy } = await installation.answers.scoredOf(idOf(request));
    waitsMs.push(performance.now() - sentMs);
    return answeredBy;
  };
  await ask();
  await installation.deploy({ model: 'flights', revision: 2, champion });
  const deployedMs = performance.now();
  waitsMs.length = 0;
  while ((await ask()) === '1');
  const swapMs = performance.now() - deployedMs;
  expect(swapMs).toBeGreaterThan(200);
  expect(waitsMs.length).toBeGreaterThan(3);
  expect(Math.max(...waitsMs)).toBeLessThan(swapMs / 2);
}, 60_000);

it('lets the old version serve while the new one’s artifact is bad, and takes the new one once it is mended', async () => {
  await installation.deploy({ model: 'flights', revision: 1, champion: version(1) });
  const worker = await start();
  const broken = version(2);
  const bytes = installation.artifacts.get(broken.artifactSha256)!;
  installation.artifacts.set(broken.artifactSha256, bytes.slice(1));
  await installation.deploy({ model: 'flights', revision: 2, champion: broken });
  const loads = async () => (await (await fetch(`${worker.url}/metrics`)).text()).split('\n').find((line) => line.startsWith('throughline_model_load_duration_seconds_count') && line.includes('artifact_hash_mismatch'));
  await expect.poll(loads, { timeout: 10_000 }).toBeDefined();
  const during = flight();
  await installation.send(during);
  expect(await installation.answers.scoredOf(idOf(during))).toMatchObject({ version: '1', assignmentRevision: 1 });
  expect(await readiness(worker)).toBe(200);

  installation.artifacts.set(broken.artifactSha256, bytes);
  await expect.poll(async () => {
    await installation.send(flight());
    return installation.answers.scored.some(({ data }) => data.version === '2');
  }, { timeout: 10_000 }).toBe(true);
}, 60_000);

it('goes back to the version before at once, without loading it again', async () => {
  await installation.deploy({ model: 'flights', revision: 1, champion: version(1) });
  await start();
  await installation.deploy({ model: 'flights', revision: 2, champion: version(2) });
  await expect.poll(async () => {
    await installation.send(flight());
    return installation.answers.scored.at(-1)?.data.version;
  }, { timeout: 10_000 }).toBe('2');
  installation.stopRegistry();
  await rm(join(installation.home, 'artifact-cache'), { recursive: true });
  await installation.deploy({ model: 'flights', revision: 3, champion: version(1) });
  await expect.poll(async () => {
    await installation.send(flight());
    return installation.answers.scored.at(-1)?.data.assignmentRevision;
  }, { timeout: 10_000 }).toBe(3);
  expect(installation.answers.scored.at(-1)!.data.version).toBe('1');
}, 60_000);

it('starts cold without the registry, from the compacted topic and its artifact cache alone, and serves', async () => {
  await installation.deploy({ model: 'flights', revision: 1, champion: version(1), fallbacks: [{ kind: 'previous_version', served: version(2) }] });
  await (await start()).close();
  installation.stopRegistry();
  const before = installation.registryRequests;
  const worker = await start();
  expect(await readiness(worker)).toBe(200);
  const request = flight();
  await installation.send(request);
  expect(await installation.answers.scoredOf(idOf(request))).toMatchObject({ version: '1', score: expect.closeTo(logisticScore([7, 337], 1), 6) });
  expect(installation.registryRequests).toBe(before);
}, 60_000);

it('is not ready and consumes nothing while it cannot get a champion; what came meanwhile is answered then', async () => {
  await installation.deploy({ model: 'flights', revision: 1, champion: version(1) });
  const request = flight();
  await installation.send(request);
  installation.registryFails = true;
  const starting = start();
  await expect.poll(() => installation.registryRequests, { timeout: 10_000 }).toBeGreaterThan(1);
  expect(await installation.bus.admin.offsets('prediction.requested.v1', 'inference-worker')).not.toContainEqual(expect.objectContaining({ committed: expect.anything() }));
  installation.registryFails = false;
  expect(await readiness(await starting)).toBe(200);
  expect(await installation.answers.scoredOf(idOf(request))).toMatchObject({ version: '1' });
  expect(installation.answers.rejected).toEqual([]);
}, 60_000);

it('stays unready for a champion that does not load, and says “no” to its requests while the other models serve', async () => {
  const damaged = version(1);
  installation.artifacts.set(damaged.artifactSha256, Buffer.from('not the bytes'));
  await installation.deploy({ model: 'damaged', revision: 1, champion: damaged });
  await installation.deploy({ model: 'flights', revision: 1, champion: version(2) });
  const worker = await start();
  expect(await readiness(worker)).toBe(503);
  const [toDamaged, toGood] = [flight('damaged'), flight()];
  await installation.send(toDamaged, toGood);
  await installation.answers.scoredOf(idOf(toGood));
  expect(await installation.answers.rejectedOf(idOf(toDamaged))).toMatchObject({ code: 'model_not_ready' });
}, 60_000);
