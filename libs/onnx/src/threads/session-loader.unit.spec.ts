import { readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { gradientBoostedTreesGraph } from '../graph/gradient-boosted-trees.js';
import { denseGraph, failingRunGraph, identityGraph, slowLoadGraph } from '../graph/probe-graphs.js';
import { randomTreeEnsemble, seededRandom } from '../graph/random-tree-ensemble.js';
import type { InputColumns } from '../feeds.js';
import { estimateSessionBytes } from '../session-bytes.js';
import { SessionLoader, type LoaderOptions } from './session-loader.js';

const loaders: SessionLoader[] = [];
function loaderOf(options: Partial<LoaderOptions> = {}): SessionLoader {
  const loader = new SessionLoader({ intraOpNumThreads: 1, inlineMaxBatchMs: 1, inlineMaxLoadMs: 20, maxConcurrentLoads: 2, ...options });
  loaders.push(loader);
  return loader;
}
const toThread = { inlineMaxBatchMs: 0 };
const toHere = { inlineMaxBatchMs: Infinity, inlineMaxLoadMs: Infinity };

afterEach(async () => {
  await Promise.all(loaders.splice(0).map((loader) => loader.close()));
});

const random = seededRandom(5);
const shared = (length: number) => new Float32Array(new SharedArrayBuffer(length * 4)).map(() => random() * 4 - 2);
const trees = gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 100, depth: 5, features: 8, seed: 1 }));
/** About 10 ms a batch of 64. */
const heavy = denseGraph({ features: 64, width: 1024, layers: 4, seed: 2 });

describe('a model is placed by what its warm-up measures', { timeout: 30_000 }, () => {
  it('a light one here, a heavy one on a thread of its own', async () => {
    const loader = loaderOf();
    const light = await loader.load(trees, { batchSizes: [1, 64] });
    const slow = await loader.load(heavy, { batchSizes: [1, 64] });
    expect([light.isInline, slow.isInline]).toEqual([true, false]);
    expect(light.signature.inputs).toEqual(slow.signature.inputs.map((input) => ({ ...input, shape: [-1, 8] })));
  });

  it('one that takes long to load on a thread, too, and nothing stands still meanwhile', async () => {
    const loader = loaderOf();
    await loader.load(identityGraph(1), { batchSizes: [2] });
    const graph = slowLoadGraph({ size: 1000, steps: 8 });
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startedMs = performance.now();
    const session = await loader.load(graph, { batchSizes: [1, 2] });
    const tookMs = performance.now() - startedMs;
    delay.disable();
    expect(session.isInline).toBe(false);
    expect(tookMs).toBeGreaterThan(100);
    expect(delay.max / 1e6).toBeLessThan(tookMs / 2);
  });

  it('again where it was, without measuring', async () => {
    const loader = loaderOf();
    const first = await loader.load(trees, { batchSizes: [1, 64] });
    expect(loader.threads.size).toBe(1);
    await loader.close();
    const again = await loader.load(trees, { batchSizes: [1, 64] }, first);
    expect(again.isInline).toBe(true);
    expect(loader.threads.size).toBe(0);
    expect((await loaderOf().load(trees, { batchSizes: [1, 64] }, { ...first, isInline: false })).isInline).toBe(false);
  });

  it('and light ones share the thread that measures', async () => {
    const loader = loaderOf(toHere);
    for (let index = 0; index < 5; index++) await loader.load(identityGraph(index + 1), { batchSizes: [2] });
    expect(loader.threads.size).toBe(1);
  });

  it('no more of them at the same time than allowed', async () => {
    const loader = loaderOf({ ...toThread, maxConcurrentLoads: 2 });
    const all = await Promise.all(Array.from({ length: 6 }, (_, index) => loader.load(identityGraph(index + 1), { batchSizes: [2] })));
    expect(all.map(({ signature }) => signature.inputs[0]!.shape[1])).toEqual([1, 2, 3, 4, 5, 6]);
    expect(loader.threads.size).toBe(6);
  });
});

describe('on a thread as here', { timeout: 30_000 }, () => {
  const bitsOf = (data: ArrayLike<unknown>) => Array.from(data as ArrayLike<number>, (value) => (typeof value === 'number' ? new Uint32Array(Float32Array.of(value).buffer)[0] : value));

  it.each<[string, Uint8Array, (rows: number) => InputColumns]>([
    ['trees', trees, (rows) => ({ input: shared(rows * 8) })],
    ['dense layers', denseGraph({ features: 8, width: 64, layers: 3, seed: 9 }), (rows) => ({ input: shared(rows * 8) })],
    ['columns of text and floats', readFileSync(new URL('../../fixtures/sklearn-columns.onnx', import.meta.url)), (rows) => ({ miles: shared(rows), carrier: Array.from({ length: rows }, (_, row) => (row % 2 === 0 ? 'AA' : 'DL')) })],
  ])('the same rows give the same bits: %s', async (_, graph, columnsOf) => {
    const here = await loaderOf(toHere).load(graph, { batchSizes: [1, 8] });
    const there = await loaderOf(toThread).load(graph, { batchSizes: [1, 8] });
    expect([here.isInline, there.isInline]).toEqual([true, false]);
    for (const rows of [1, 2, 7, 64]) {
      const columns = columnsOf(rows);
      const own = Object.fromEntries(Object.entries(columns).map(([name, data]) => [name, data.slice()])) as InputColumns;
      const [a, b] = await Promise.all([here.run(own, rows), there.run(columns, rows)]);
      expect(b.outputs.map(({ data, ...output }) => ({ ...output, bits: bitsOf(data) }))).toEqual(a.outputs.map(({ data, ...output }) => ({ ...output, bits: bitsOf(data) })));
      expect(b.inferenceMs).toBeGreaterThan(0);
    }
  });

  it('errors have the same codes and reasons', async () => {
    const bad: InputColumns = { input: new Float32Array(3) };
    for (const options of [toHere, toThread]) {
      const session = await loaderOf(options).load(trees, { batchSizes: [1, 2] });
      await expect(session.run(bad, 1)).rejects.toMatchObject({ name: 'ContractError', code: 'wrong_shape' });
      await expect(session.run({}, 1)).rejects.toMatchObject({ code: 'feature_missing', message: expect.stringContaining('“input”') });
    }
  });

  it('concurrent runs stay apart', async () => {
    const session = await loaderOf(toThread).load(identityGraph(2), { batchSizes: [2] });
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => session.run({ input: Float32Array.of(index, -index) }, 1)));
    answers.forEach(({ outputs }, index) => expect([...(outputs[0]!.data as Float32Array)]).toEqual([index, -index]));
  });

  it('disposing lets the runs in flight end and refuses later ones', async () => {
    const loader = loaderOf();
    const session = await loader.load(heavy, { batchSizes: [1, 64] });
    const running = [session.run({ input: shared(64 * 64) }, 64), session.run({ input: shared(64 * 64) }, 64)];
    await session.dispose();
    expect((await Promise.all(running)).map(({ outputs }) => outputs[0]!.data.length)).toEqual([65_536, 65_536]);
    await expect(session.run({ input: shared(64 * 64) }, 64)).rejects.toMatchObject({ code: 'unavailable' });
    expect(loader.threads.size).toBe(0);
  });
});

describe('what goes wrong', { timeout: 30_000 }, () => {
  it('a thread that dies rejects its runs as retriable and tells that the model is lost', async () => {
    const loader = loaderOf(toThread);
    const session = await loader.load(heavy, { batchSizes: [1, 64] });
    // So many that the end of the thread comes before theirs.
    const runs = Promise.allSettled(Array.from({ length: 50 }, () => session.run({ input: shared(64 * 64) }, 64)));
    const [thread] = loader.threads;
    await thread!.terminate();
    const lost = (await runs).filter((run) => run.status === 'rejected');
    expect(lost.length).toBeGreaterThan(0);
    for (const { reason } of lost) expect(reason).toMatchObject({ code: 'unavailable', retriable: true });
    expect(await session.lost).toContain('exit code');
    await session.dispose();
    expect(loader.threads.size).toBe(0);
  });

  it('a thread that dies while it loads fails that load only', async () => {
    const loader = loaderOf(toThread);
    const failing = expect(loader.load(slowLoadGraph({ size: 1000, steps: 20 }), { batchSizes: [2] })).rejects.toMatchObject({ code: 'unavailable' });
    await expect.poll(() => loader.threads.size).toBe(1);
    for (const thread of loader.threads) void thread.terminate();
    await failing;
    expect((await loader.load(identityGraph(1), { batchSizes: [2] })).isInline).toBe(false);
  });

  it.each([
    ['bytes that are no graph', new TextEncoder().encode('no graph'), 'artifact_not_onnx'],
    ['a graph that fails on its first batch', failingRunGraph(3), 'model_failed'],
  ])('%s: says so, and the thread takes the next model', async (_, bytes, code) => {
    const loader = loaderOf(toHere);
    await expect(loader.load(bytes, { batchSizes: [2] })).rejects.toMatchObject({ code });
    expect((await loader.load(identityGraph(1), { batchSizes: [2] })).isInline).toBe(true);
    expect(loader.threads.size).toBe(1);
  });
});

describe('the estimate of a session’s memory', () => {
  it('counts weights near their size and trees at a multiple', () => {
    expect(estimateSessionBytes(heavy)).toBeGreaterThan(heavy.byteLength);
    expect(estimateSessionBytes(heavy)).toBeLessThan(2 * heavy.byteLength + 1e6);
    expect(estimateSessionBytes(trees)).toBeGreaterThan(10 * trees.byteLength);
  });

  it('ends on bytes of any kind', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(1000).fill(0xff), heavy.subarray(0, 1000), new Uint8Array(1000).map((_, index) => (index * 37) % 256)]) {
      expect(Number.isFinite(estimateSessionBytes(bytes))).toBe(true);
    }
  });
});
