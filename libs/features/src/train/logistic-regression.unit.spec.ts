import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { trainLogisticRegression, type TrainingProgress } from './logistic-regression.js';
import type { Matrix } from './standardise.js';

interface Reference {
  rows: (number | null)[][];
  labels: number[];
  mean: number[];
  scale: number[];
  imputation: number[];
  fits: { l2: number; by: string; weights: number[]; bias: number; logLoss: number }[];
}
const reference = JSON.parse(readFileSync(new URL('../../fixtures/logistic-reference.json', import.meta.url), 'utf8')) as Reference;

function matrixOf(rows: readonly (readonly (number | null)[])[]): Matrix {
  return { values: Float64Array.from(rows.flat(), (value) => value ?? NaN), rowCount: rows.length, width: rows[0]?.length ?? 0 };
}
const matrix = matrixOf(reference.rows);
const labels = Uint8Array.from(reference.labels);

function expectClose(actual: number[], expected: number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => expect(Math.abs(value - expected[index]!)).toBeLessThan(1e-7 * Math.max(1, Math.abs(expected[index]!))));
}

describe('trainLogisticRegression', () => {
  it.each(reference.fits)('finds the minimum that $by finds at l2 = $l2, with values missing', ({ l2, weights, bias, logLoss }) => {
    const fit = trainLogisticRegression(matrix, labels, { l2 });
    expect(fit.converged).toBe(true);
    expectClose(fit.weights, weights);
    expectClose([fit.bias, fit.logLoss], [bias, logLoss]);
    expectClose(fit.mean, reference.mean);
    expectClose(fit.scale, reference.scale);
    expectClose(fit.imputation, reference.imputation);
    expect(fit).toMatchObject({ rowCount: reference.rows.length, positiveCount: reference.labels.filter(Boolean).length });
  });

  it('gives the same bits for the same rows', () => {
    expect(trainLogisticRegression(matrix, labels)).toEqual(trainLogisticRegression(matrix, labels));
  });

  it('reports every iteration, and each one descends', () => {
    const progress: TrainingProgress[] = [];
    const fit = trainLogisticRegression(matrix, labels, { onProgress: (step) => progress.push(step) });
    expect(progress.map(({ iteration }) => iteration)).toEqual(Array.from({ length: fit.iterations }, (_, index) => index + 1));
    progress.slice(1).forEach(({ objective }, index) => expect(objective).toBeLessThanOrEqual(progress[index]!.objective * (1 + 1e-15)));
    expect(progress.at(-1)!.gradientMax).toBeLessThan(1e-10);
  });

  it.each([4, 11])('converges where the rounding of a sum over many rows hides the last improvements (data %d)', (data) => {
    let seed = data * 1_234_567;
    const random = () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
    const rowCount = 60_000;
    const values = Float64Array.from({ length: 3 * rowCount }, () => 1 / (random() + 1e-4));
    const late = Uint8Array.from({ length: rowCount }, (_, row) => Number(random() < 1 / (1 + Math.exp(3 - 0.05 * values[3 * row]!))));
    const fit = trainLogisticRegression({ values, rowCount, width: 3 }, late);
    expect(fit.converged).toBe(true);
    expect(fit.iterations).toBeLessThan(12);
  });

  it.each([0, 1])('gives a constant column and an empty one no weight, at l2 = %d', (l2) => {
    const rows = reference.rows.map((row) => [row[0]!, 42, null]);
    const fit = trainLogisticRegression(matrixOf(rows), labels, { l2 });
    expect(fit.weights.slice(1)).toEqual([0, 0]);
    expect(fit.scale.slice(1)).toEqual([1, 1]);
    expect(fit.imputation.slice(1)).toEqual([42, 0]);
  });

  it('stays finite on classes that a line separates', () => {
    const fit = trainLogisticRegression(matrixOf([[-2], [-1], [1], [2]]), Uint8Array.of(0, 0, 1, 1), { l2: 0.01 });
    expect(fit.converged).toBe(true);
    expect(fit.weights[0]).toBeGreaterThan(0);
    expect(trainLogisticRegression(matrixOf([[-2], [-1], [1], [2]]), Uint8Array.of(0, 0, 1, 1), { l2: 0, maxIterations: 5 }).converged).toBe(false);
  });

  it('refuses columns that depend on one another unless regularised', () => {
    const doubled = matrixOf(reference.rows.map((row) => [row[0]!, 2 * row[0]!]));
    expect(() => trainLogisticRegression(doubled, labels, { l2: 0 })).toThrow('column 1 depends');
    const fit = trainLogisticRegression(doubled, labels, { l2: 1 });
    expect(fit.weights[0]).toBeCloseTo(fit.weights[1]!, 10);
  });

  it('refuses what no fit could mean', () => {
    const rows = matrixOf([[1], [2]]);
    expect(() => trainLogisticRegression(rows, Uint8Array.of(1, 1))).toThrow('both classes');
    expect(() => trainLogisticRegression(rows, Uint8Array.of(1))).toThrow('as many labels');
    expect(() => trainLogisticRegression(rows, Uint8Array.of(0, 2))).toThrow('0 or 1');
    expect(() => trainLogisticRegression({ ...rows, rowCount: 3 }, Uint8Array.of(0, 1, 1))).toThrow('need 3 values');
    expect(() => trainLogisticRegression(matrixOf([[1], [Infinity]]), Uint8Array.of(0, 1))).toThrow('column 0 holds Infinity');
    expect(() => trainLogisticRegression(rows, Uint8Array.of(0, 1), { l2: -1 })).toThrow('l2');
  });

  it('gives log-odds that do not depend on the unit of a column', () => {
    fc.assert(fc.property(fc.double({ min: 1e-3, max: 1e3, noNaN: true }), fc.double({ min: -1e3, max: 1e3, noNaN: true }), (factor, shift) => {
      const moved = matrixOf(reference.rows.map((row) => row.map((value) => (value === null ? null : value * factor + shift))));
      expectClose(trainLogisticRegression(moved, labels).weights, trainLogisticRegression(matrix, labels).weights);
    }), { numRuns: 20 });
  });
});
