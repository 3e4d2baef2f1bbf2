import { ContractError, type ServedVersion } from '@throughline/contracts';
import { denseGraph, gradientBoostedTreesGraph, identityGraph, randomTreeEnsemble, sha256Hex } from '@throughline/onnx';
import { createLogger } from '@throughline/telemetry';
import { afterEach, describe, expect, it } from 'vitest';
import { hostOf, logistic, logisticScore, numeric, rulesArtifact, signature } from '../testing/models.js';
import { LoadedModel } from './loaded-model.js';

const PATIENCE = { timeout: 10_000 };
const LIMITS = { maxBatchSize: 64, maxDelayMs: 0 };
const features = [numeric('hour'), numeric('distance')];

const hosts: ReturnType<typeof hostOf>[] = [];
function host(...args: Parameters<typeof hostOf>): ReturnType<typeof hostOf> {
  const made = hostOf(...args);
  hosts.push(made);
  return made;
}

afterEach(async () => {
  for (const { memory, loader } of hosts.splice(0)) {
    memory.close();
    await loader.close();
  }
});

const servedOf = (artifact: Uint8Array, more: Partial<ServedVersion> = {}): ServedVersion => ({ version: '1', artifactSha256: sha256Hex(artifact), sizeBytes: artifact.byteLength, signature: signature(features), ...more });

async function scoresOf(model: LoadedModel, rows: readonly number[][]): Promise<number[]> {
  const batch = model.prepare(rows.length);
  for (const row of rows) expect(batch.add(row)).toBeUndefined();
  return [...((await batch.run(0, rows.length)).outputs[0]!.data as Float32Array)];
}

describe('a memory bound that holds fewer models than there are', { timeout: 30_000 }, () => {
  const wide = Array.from({ length: 8 }, (_, index) => numeric(`f${index}`));
  /** About 9 MB each in memory, by the estimate; one that is loaded for the first time also needs the room of a thread. */
  const artifacts = Array.from({ length: 12 }, (_, index) => gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 200, depth: 6, features: 8, seed: index })));
  const inline = { inlineMaxBatchMs: Infinity, inlineMaxLoadMs: Infinity };
  const rows = [[1, -1, 0.5, 2, 0, 0.1, -2, 1]];

  it('keeps all of them answering, with the same answers, and is never exceeded', async () => {
    const roomy = host(artifacts, { maxBytes: 1e9, ...inline });
    const tight = host(artifacts, { maxBytes: 52e6, ...inline });
    const load = (on: typeof roomy) => Promise.all(artifacts.map((artifact, index) => LoadedModel.load(`m${index}`, servedOf(artifact, { signature: signature(wide) }), LIMITS, on)));
    const [all, few] = [await load(roomy), await load(tight)];
    expect(roomy.memory.usedBytes).toBeGreaterThan(1.5 * tight.memory.maxBytes);
    expect(tight.memory.count).toBeLessThan(artifacts.length);
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(few.map(async (model, index) => {
        model.acquire();
        await model.residence();
        const scores = await scoresOf(model, rows);
        expect(tight.memory.usedBytes).toBeLessThanOrEqual(tight.memory.maxBytes);
        model.release();
        return [index, scores] as const;
      }));
      for (const [index, scores] of answers) expect(scores).toEqual(await scoresOf(all[index]!, rows));
    }
  });

  it('leaves a busy model in memory while others come and go', async () => {
    const tight = host(artifacts, { maxBytes: 52e6, ...inline });
    const models = [];
    for (const [index, artifact] of artifacts.entries()) models.push(await LoadedModel.load(`m${index}`, servedOf(artifact, { signature: signature(wide) }), LIMITS, tight));
    const [busy, ...others] = models as [LoadedModel, ...LoadedModel[]];
    await scoresOf(busy, rows);
    for (const other of others) {
      expect(busy.residence()).toBeUndefined();
      await scoresOf(busy, rows);
      await scoresOf(other, rows);
    }
  });

  it('even when one batch wants more models at the same time than it holds', async () => {
    const tight = host(artifacts, { maxBytes: 52e6, ...inline });
    const models = await Promise.all(artifacts.map((artifact, index) => LoadedModel.load(`m${index}`, servedOf(artifact, { signature: signature(wide) }), LIMITS, tight)));
    for (const model of models) model.acquire();
    await Promise.all(models.map((model) => model.residence()));
    expect((await Promise.all(models.map((model) => scoresOf(model, rows)))).flat()).toHaveLength(models.length);
    for (const model of models) model.release();
  });

  it('says which setting to raise for a model that it can never hold', async () => {
    const artifact = logistic(features);
    await expect(LoadedModel.load('m', servedOf(artifact), LIMITS, host([artifact], { maxBytes: 1e6 }))).rejects.toMatchObject({ code: 'artifact_too_large', cure: expect.stringContaining('MODEL_MEMORY_MAX_BYTES') });
  });
});

describe('a heavy model', { timeout: 30_000 }, () => {
  const heavy = denseGraph({ features: 2, width: 512, layers: 4, seed: 4 });
  const heavySignature = signature(features, { outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, 512] }], score: { output: 'output', index: 0 } });
  const load = (on: ReturnType<typeof host>) => LoadedModel.load('heavy', servedOf(heavy, { signature: heavySignature }), LIMITS, on);
  const rows = Array.from({ length: 64 }, (_, index) => [index, -index]);

  it('answers on its thread with the bits that it has here', async () => {
    const [there, here] = [await load(host([heavy], { inlineMaxBatchMs: 0 })), await load(host([heavy], { inlineMaxBatchMs: Infinity, inlineMaxLoadMs: Infinity }))];
    expect([there.isInline, here.isInline]).toEqual([false, true]);
    expect(await scoresOf(there, rows)).toEqual(await scoresOf(here, rows));
    const batch = there.prepare(rows.length);
    for (const row of rows) batch.add(row);
    const halves = await Promise.all([batch.run(0, 30), batch.run(30, 64)]);
    expect(halves.flatMap(({ outputs }) => [...(outputs[0]!.data as Float32Array)])).toEqual(await scoresOf(here, rows));
  });

  it('loses nothing when its thread dies in mid-run: the rows are run again, on another thread', async () => {
    const own = host([heavy], { inlineMaxBatchMs: 0 });
    const model = await load(own);
    const expected = await scoresOf(model, rows);
    const batch = model.prepare(rows.length);
    for (const row of rows) batch.add(row);
    // So many that the end of the thread comes before theirs.
    const runs = Array.from({ length: 50 }, () => batch.run(0, 64));
    for (const thread of own.loader.threads) void thread.terminate();
    const lost = (await Promise.allSettled(runs)).filter((run) => run.status === 'rejected');
    expect(lost.length).toBeGreaterThan(0);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'unavailable', retriable: true });
    // As bisection does.
    const halves = await Promise.all([batch.run(0, 32), batch.run(32, 64)]);
    expect(halves.flatMap(({ outputs }) => [...(outputs[0]!.data as Float32Array)])).toEqual(expected);
    expect(own.memory.count).toBe(1);
  });

  it('runs a lone row again by itself', async () => {
    const own = host([heavy], { inlineMaxBatchMs: 0 });
    const model = await load(own);
    const batch = model.prepare(1);
    batch.add(rows[1]!);
    const run = batch.run(0, 1);
    for (const thread of own.loader.threads) void thread.terminate();
    expect((await run).outputs[0]!.data).toHaveLength(512);
  });

  it('comes back by itself when its thread has died', async () => {
    const own = host([heavy], { inlineMaxBatchMs: 0 });
    const model = await load(own);
    await Promise.all([...own.loader.threads].map((thread) => thread.terminate()));
    await expect.poll(() => model.residence(), PATIENCE).toBeUndefined();
    await scoresOf(model, rows);
  });

  it('says that its thread died, and once that it cannot come back, with the reason and what to do', async () => {
    const lines: { level: string; msg: string; code?: string; reason?: string; cure?: string }[] = [];
    const logger = createLogger('test', { level: 'info', destination: { write: (line) => void lines.push(JSON.parse(line)) } });
    const own = host([heavy], { inlineMaxBatchMs: 0, logger });
    let isRegistryAway = false;
    const model = await load({ ...own, artifacts: { get: async (...wanted) => {
      if (isRegistryAway) throw new ContractError('unavailable', 'the registry does not answer');
      return own.artifacts.get(...wanted);
    } } });
    isRegistryAway = true;
    await Promise.all([...own.loader.threads].map((thread) => thread.terminate()));
    await expect.poll(() => lines.length, PATIENCE).toBe(2);
    for (let index = 0; index < 3; index++) await expect(model.residence()).rejects.toMatchObject({ code: 'unavailable' });
    expect(lines).toMatchObject([
      { level: 'warn', model: 'heavy', version: '1', lossesInWindow: 1, msg: expect.stringContaining('thread') },
      { level: 'warn', model: 'heavy', version: '1', code: 'unavailable', reason: 'the registry does not answer', cure: expect.any(String) },
    ]);
    isRegistryAway = false;
    await expect.poll(() => model.residence(), PATIENCE).toBeUndefined();
  });

  it('gives its thread and memory back when it retires, and not before its last user', async () => {
    const own = host([heavy], { inlineMaxBatchMs: 0 });
    const model = await load(own);
    model.acquire();
    model.retire();
    await scoresOf(model, rows);
    expect(own.memory.count).toBe(1);
    model.release();
    await expect.poll(() => [own.memory.usedBytes, own.loader.threads.size], PATIENCE).toEqual([0, 0]);
  });
});

describe('rules as a model', () => {
  const document = { throughlineRules: 1, features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }], outputs: { probability: 'hour >= 17 && distance > 1000 ? 0.4 : 0.15', part: 'int(distance) / int(hour)' }, score: 'probability', threshold: 0.5 };
  const artifact = rulesArtifact(document);
  const served = servedOf(artifact, { format: 'rules', signature: signature(features, { inputs: [], outputs: [] }) });

  it('answer row by row, without a graph, a thread or memory', async () => {
    const own = host([artifact]);
    const model = await LoadedModel.load('m', served, LIMITS, own);
    expect({ format: model.format, isInline: model.isInline, runtime: model.runtime, residence: model.residence() }).toEqual({ format: 'rules', isInline: true, runtime: expect.stringContaining('rules'), residence: undefined });
    expect(await scoresOf(model, [[18, 2475], [18, 337], [7, 2475]])).toEqual([0.4, 0.15, 0.15]);
    expect([own.memory.count, own.loader.threads.size]).toEqual([0, 0]);
  });

  it('fail a row alone, and parts of a batch without it are as they were', async () => {
    const batch = (await LoadedModel.load('m', served, LIMITS, host([artifact]))).prepare(3);
    for (const row of [[7, 100], [0, 100], [17, 2000]]) expect(batch.add(row)).toBeUndefined();
    await expect(batch.run(0, 3)).rejects.toMatchObject({ code: 'model_failed', message: expect.stringContaining('division by zero') });
    await expect(batch.run(1, 2)).rejects.toMatchObject({ code: 'model_failed' });
    expect((await batch.run(2, 3)).outputs.map(({ data }) => [...data as Float64Array])).toEqual([[0.4], [117n]]);
    expect((await batch.run(0, 1)).outputs.map(({ data }) => [...data as Float64Array])).toEqual([[0.15], [14n]]);
  });

  it('refuse values as any model does', async () => {
    const batch = (await LoadedModel.load('m', served, LIMITS, host([artifact]))).prepare(2);
    expect(batch.add(['seven', 1])).toMatchObject({ code: 'wrong_type', reason: expect.stringContaining('“hour”') });
    expect(batch.add(['NaN', 1])).toMatchObject({ code: 'value_forbidden' });
    expect(batch.size).toBe(0);
  });

  it.each([
    ['an expression that is wrong', { ...document, outputs: { probability: 'hour +' } }, {}, 'rules_invalid'],
    ['other features than were registered', { ...document, features: [...document.features].reverse() }, {}, 'artifact_load_failed'],
    ['no output of the score’s name', { ...document, outputs: { chance: '0.5' }, score: 'chance' }, {}, 'artifact_load_failed'],
  ])('are refused with %s', async (_, broken, more, code) => {
    const bytes = rulesArtifact(broken);
    await expect(LoadedModel.load('m', { ...served, artifactSha256: sha256Hex(bytes), ...more }, LIMITS, host([bytes]))).rejects.toMatchObject({ code });
  });
});

describe('a version is refused', { timeout: 30_000 }, () => {
  it.each<[string, Uint8Array, Partial<ServedVersion>, string]>([
    ['whose graph has another input than its signature', logistic(features), { signature: signature(features, { inputs: [{ name: 'other', datatype: 'FP32', shape: [-1, 2] }] }) }, 'artifact_load_failed'],
    ['whose graph lacks the score', identityGraph(2), {}, 'artifact_load_failed'],
    ['whose features do not fit its inputs', logistic(features), { signature: signature([numeric('hour')], { inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }] }) }, 'artifact_load_failed'],
    ['that is no graph', new TextEncoder().encode('{}'), {}, 'artifact_not_onnx'],
  ])('%s, and leaves neither thread nor memory behind', async (_, artifact, more, code) => {
    const own = host([artifact]);
    await expect(LoadedModel.load('m', servedOf(artifact, more), LIMITS, own)).rejects.toMatchObject({ code });
    expect(own.memory.usedBytes).toBe(0);
    expect(own.loader.threads.size).toBeLessThanOrEqual(1);
  });

  it('and a good one answers as its formula', async () => {
    const artifact = logistic(features, 0.3);
    const model = await LoadedModel.load('m', servedOf(artifact), LIMITS, host([artifact]));
    expect((await scoresOf(model, [[7, 337]]))[0]).toBeCloseTo(logisticScore([7, 337], 0.3), 5);
  });
});
