import { encodeEvent } from '@throughline/contracts';
import type { RunningService } from '@throughline/http';
import { denseGraph, gradientBoostedTreesGraph, randomTreeEnsemble } from '@throughline/onnx';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Installation } from '../testing/installation.js';
import { logistic, numeric, rulesArtifact, signature } from '../testing/models.js';

const features = [numeric('hour'), numeric('distance')];
const MIB = 1024 * 1024;

let installation: Installation;
let worker: RunningService | undefined;

beforeEach(async () => {
  installation = await Installation.create();
}, 60_000);

afterEach(async () => {
  await worker?.close();
  worker = undefined;
  await installation.close();
});

let nextId = 0;
function requestFor(model: string, values: Record<string, number> = { hour: 18, distance: 2475 }) {
  const id = String(nextId++);
  return { topic: 'prediction.requested.v1' as const, key: id, ...encodeEvent('prediction.requested.v1', { id, source: '/guests', timeMs: Date.now(), data: { model, features: values } }) };
}
const idOf = ({ value }: { value: string }): string => (JSON.parse(value) as { id: string }).id;

async function metric(name: string): Promise<number> {
  const lines = (await (await fetch(`${worker!.url}/metrics`)).text()).split('\n').filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

it('serves rules as the champion, with features as used, a runtime of its own, and each failing row rejected alone', async () => {
  const artifact = rulesArtifact({
    throughlineRules: 1,
    features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }],
    outputs: { probability: 'hour >= 17 && distance > 1000 ? 0.4 : 0.15', legs: '2400 / int(hour)' },
    score: 'probability', threshold: 0.3,
  });
  const rules = { ...installation.version('1', artifact, signature(features, { inputs: [], outputs: [{ name: 'probability', datatype: 'FP64', shape: [-1, 1] }, { name: 'legs', datatype: 'INT64', shape: [-1, 1] }] })), format: 'rules' as const };
  await installation.deploy({ model: 'heuristic', revision: 1, champion: rules });
  worker = await installation.startWorker();
  const [late, early, midnight] = [requestFor('heuristic'), requestFor('heuristic', { hour: 7, distance: 2475 }), requestFor('heuristic', { hour: 0, distance: 1 })] as const;
  await installation.send(late, midnight, early);
  expect(await installation.answers.scoredOf(idOf(late))).toMatchObject({ version: '1', score: 0.4, features: { values: [18, 2475] }, runtime: expect.stringContaining('rules') });
  expect(await installation.answers.scoredOf(idOf(early))).toMatchObject({ score: 0.15 });
  expect(await installation.answers.rejectedOf(idOf(midnight))).toMatchObject({ code: 'model_failed', reason: expect.stringContaining('division by zero') });
}, 60_000);

it('answers for more models than its memory holds, each from its own version, while the bound is kept', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `guest-${index}`);
  const wide = Array.from({ length: 8 }, (_, index) => numeric(`f${index}`));
  for (const [index, model] of names.entries()) {
    const artifact = gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 200, depth: 6, features: 8, seed: index }));
    await installation.deploy({ model, revision: 1, champion: installation.version(String(index), artifact, signature(wide)) });
  }
  worker = await installation.startWorker({ MODEL_MEMORY_MAX_BYTES: String(64 * MIB), INLINE_MAX_BATCH_MS: '60000', INLINE_MAX_LOAD_MS: '60000' });
  const values = Object.fromEntries(wide.map(({ name }, index) => [name, index / 4 - 1]));
  for (let round = 0; round < 3; round++) {
    const requests = names.map((model) => requestFor(model, values));
    await installation.send(...requests);
    for (const [index, request] of requests.entries()) expect(await installation.answers.scoredOf(idOf(request))).toMatchObject({ model: names[index], version: String(index) });
    expect(await metric('throughline_model_memory_bytes')).toBeLessThanOrEqual(64 * MIB);
  }
  expect(await metric('throughline_models_resident')).toBeLessThan(names.length);
  expect(await metric('throughline_model_reloads_total')).toBeGreaterThan(0);
  expect(installation.answers.rejected).toEqual([]);
}, 120_000);

it('answers for a light model while a heavy one has work for a long time on its thread', async () => {
  const heavy = denseGraph({ features: 2, width: 1024, layers: 6, seed: 1 });
  const heavySignature = signature(features, { outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, 1024] }], score: { output: 'output', index: 0 } });
  await installation.deploy({ model: 'heavy', revision: 1, champion: installation.version('1', heavy, heavySignature) });
  await installation.deploy({ model: 'light', revision: 1, champion: installation.version('1', logistic(features), signature(features)) });
  worker = await installation.startWorker();
  const heavyOnes = Array.from({ length: 2000 }, () => requestFor('heavy'));
  await installation.send(...heavyOnes);
  await installation.answers.until('the heavy model to be at work', () => installation.answers.scored.some(({ data }) => data.model === 'heavy'));
  const light = requestFor('light');
  await installation.send(light);
  await installation.answers.scoredOf(idOf(light));
  expect(installation.answers.scored.length).toBeLessThan(heavyOnes.length);
  await installation.answers.until('all answers', () => installation.answers.scored.length === heavyOnes.length + 1);
  expect(installation.answers.rejected).toEqual([]);
}, 60_000);
