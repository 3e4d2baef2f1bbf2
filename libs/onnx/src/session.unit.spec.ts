import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradientBoostedTreesGraph } from './graph/gradient-boosted-trees.js';
import { logisticRegressionGraph } from './graph/logistic-regression.js';
import { failingRunGraph, identityGraph, wholeBatchOutputGraph } from './graph/probe-graphs.js';
import { randomTreeEnsemble, seededRandom } from './graph/random-tree-ensemble.js';
import { OnnxSession } from './session.js';

const fixture = (name: string) => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const expected = JSON.parse(fixture('sklearn-expected.json').toString()) as {
  matrix: { rows: number[][]; probabilities: number[][] };
  columns: { carrier: string[]; miles: number[]; labels: number[]; probabilities: number[][] };
};

const FEATURES = 30;
const names = Array.from({ length: FEATURES }, (_, index) => `f${index}`);
const random = seededRandom(11);
const number = () => random() * 4 - 2;
const logistic = { weights: names.map(number), bias: 0.25, mean: names.map(number), scale: names.map(() => random() + 0.5), featureNames: names };
const ensemble = randomTreeEnsemble({ trees: 200, depth: 5, features: FEATURES, seed: 3 });

function matrix(rows: number): Float32Array {
  return Float32Array.from({ length: rows * FEATURES }, number);
}

const bitsOf = (data: ArrayLike<number>) => [...new Uint32Array(Float32Array.from(data).buffer)];
const firstOutput = async (session: OnnxSession, rows: Float32Array, rowCount: number) =>
  (await session.run(rows, rowCount)).outputs[0]!;

describe('a row gets the same bits at every batch size', () => {
  it.each([
    ['logistic regression', () => logisticRegressionGraph(logistic)],
    ['200 trees', () => gradientBoostedTreesGraph(ensemble)],
  ])('%s, batches of 1 to 64', async (_, build) => {
    const session = await OnnxSession.load(build());
    const rows = matrix(64);
    const whole = bitsOf((await firstOutput(session, rows, 64)).data as Float32Array);
    for (let size = 1; size <= 64; size++) {
      for (let start = 0; start + size <= 64; start += size) {
        const part = await firstOutput(session, rows.slice(start * FEATURES, (start + size) * FEATURES), size);
        expect(bitsOf(part.data as Float32Array)).toEqual(whole.slice(start, start + size));
      }
    }
    await session.dispose();
  });
});

describe('the written graphs compute what they promise', () => {
  it('logistic regression agrees with its formula', async () => {
    const session = await OnnxSession.load(logisticRegressionGraph(logistic));
    const rows = matrix(20);
    const { data, rowWidth } = await firstOutput(session, rows, 20);
    expect(rowWidth).toBe(1);
    for (let row = 0; row < 20; row++) {
      const logOdds = logistic.weights.reduce((sum, weight, j) => sum + (weight * (rows[row * FEATURES + j]! - logistic.mean[j]!)) / logistic.scale[j]!, logistic.bias);
      expect(Number(data[row])).toBeCloseTo(1 / (1 + Math.exp(-logOdds)), 5);
    }
    await session.dispose();
  });

  it('a tree goes left up to its threshold, right above it, and where it is told for NaN', async () => {
    const tree = { feature: 1, threshold: 0.5, left: { leaf: -1 }, right: { leaf: 2 }, missingGoesLeft: true };
    const session = await OnnxSession.load(gradientBoostedTreesGraph({ trees: [tree, { leaf: 10 }], features: 2, baseValue: 100, output: 'value' }));
    const { data } = await firstOutput(session, Float32Array.of(0, 0.5, 0, 0.51, 0, NaN), 3);
    expect([...(data as Float32Array)]).toEqual([109, 112, 109]);
    await session.dispose();
  });

  it('the same seed builds the same ensemble', () => {
    const shape = { trees: 3, depth: 2, features: 4, seed: 9 };
    expect(gradientBoostedTreesGraph(randomTreeEnsemble(shape))).toEqual(gradientBoostedTreesGraph(randomTreeEnsemble(shape)));
    expect(randomTreeEnsemble({ ...shape, seed: 10 })).not.toEqual(randomTreeEnsemble(shape));
  });

  it('refuses parameters that no row could survive', () => {
    expect(() => logisticRegressionGraph({ ...logistic, bias: NaN })).toThrow(RangeError);
    expect(() => logisticRegressionGraph({ ...logistic, scale: names.map(() => 1e-60) })).toThrow('scale must not be zero');
    expect(() => logisticRegressionGraph({ ...logistic, mean: [0] })).toThrow(RangeError);
    expect(() => gradientBoostedTreesGraph({ trees: [{ feature: 2, threshold: 0, left: { leaf: 0 }, right: { leaf: 1 } }], features: 2 })).toThrow('feature 2 of 2');
  });
});

describe('OnnxSession', () => {
  it('agrees with scikit-learn on a matrix, output by output', async () => {
    const session = await OnnxSession.load(fixture('sklearn-tensor.onnx'));
    const { outputs, inferenceMs } = await session.run(Float32Array.from(expected.matrix.rows.flat()), 5);
    expect(outputs.map(({ name, datatype, rowWidth }) => ({ name, datatype, rowWidth }))).toEqual([
      { name: 'label', datatype: 'INT64', rowWidth: 1 },
      { name: 'probabilities', datatype: 'FP32', rowWidth: 2 },
    ]);
    expected.matrix.probabilities.flat().forEach((probability, index) => expect(Number(outputs[1]!.data[index])).toBeCloseTo(probability, 5));
    expect(inferenceMs).toBeGreaterThan(0);
    await session.dispose();
  });

  it('agrees with scikit-learn on named columns with text, in batches and alone', async () => {
    const session = await OnnxSession.load(fixture('sklearn-columns.onnx'));
    const { carrier, miles, labels, probabilities } = expected.columns;
    const batch = await session.runColumns({ carrier, miles: Float32Array.from(miles) }, 5);
    expect([...(batch.outputs[0]!.data as BigInt64Array)].map(Number)).toEqual(labels);
    probabilities.flat().forEach((probability, index) => expect(Number(batch.outputs[1]!.data[index])).toBeCloseTo(probability, 5));
    const alone = await session.runColumns({ carrier: [carrier[0]!], miles: Float32Array.of(miles[0]!) }, 1);
    expect([...(alone.outputs[1]!.data as Float32Array)]).toEqual([...(batch.outputs[1]!.data as Float32Array)].slice(0, 2));
    await session.dispose();
  });

  it('keeps concurrent runs apart', async () => {
    const session = await OnnxSession.load(identityGraph(2));
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => session.run(Float32Array.of(index, -index), 1)));
    answers.forEach(({ outputs }, index) => expect([...(outputs[0]!.data as Float32Array)]).toEqual([index, -index]));
    await session.dispose();
  });

  it('warms up at every size asked for', async () => {
    const session = await OnnxSession.load(gradientBoostedTreesGraph(ensemble));
    await expect(session.warmUp([1, 32, 512])).resolves.toBeUndefined();
    await session.dispose();
  });

  it('names what is wrong with a matrix of the wrong size', async () => {
    const session = await OnnxSession.load(identityGraph(3));
    await expect(session.run(new Float32Array(5), 2)).rejects.toMatchObject({ code: 'wrong_shape', message: '2 rows for “input” FP32 [N, 3] need 6 numbers, got 5' });
    await expect(session.run(new Float32Array(0), 0)).rejects.toMatchObject({ code: 'wrong_shape' });
    await session.dispose();
  });

  it('names the column that is missing, of the wrong type, or of the wrong size', async () => {
    const session = await OnnxSession.load(fixture('sklearn-columns.onnx'));
    const miles = Float32Array.of(1, 2);
    await expect(session.runColumns({ miles }, 2)).rejects.toMatchObject({ code: 'feature_missing', message: expect.stringContaining('carrier') });
    await expect(session.runColumns({ carrier: miles, miles }, 2)).rejects.toMatchObject({ code: 'wrong_type', message: expect.stringContaining('Float32Array') });
    await expect(session.runColumns({ carrier: ['AA', 'DL', 'UA'], miles }, 2)).rejects.toMatchObject({ code: 'wrong_shape' });
    await expect(session.run(miles, 2)).rejects.toMatchObject({ code: 'wrong_shape', message: expect.stringContaining('not one FP32 matrix') });
    await session.dispose();
  });

  it('reports a failure of the runtime, and an output that is not per row, as model_failed', async () => {
    const failing = await OnnxSession.load(failingRunGraph(3));
    await expect(failing.run(new Float32Array(6), 2)).rejects.toMatchObject({ code: 'model_failed' });
    const wholeBatch = await OnnxSession.load(wholeBatchOutputGraph(3));
    await expect(wholeBatch.run(new Float32Array(9), 3)).rejects.toMatchObject({ code: 'model_failed', message: expect.stringContaining('[1, 1] for 3 rows') });
  });

  it('finishes the runs in flight before it frees the model, and refuses later ones', async () => {
    const session = await OnnxSession.load(gradientBoostedTreesGraph(ensemble));
    const running = Array.from({ length: 10 }, () => session.run(matrix(64), 64));
    await session.dispose();
    expect(await Promise.all(running)).toHaveLength(10);
    await expect(session.run(matrix(1), 1)).rejects.toMatchObject({ code: 'model_not_ready' });
  });
});
