import { chiSquaredTail } from './special.js';

export interface ChiSquared {
  readonly statistic: number;
  readonly degrees: number;
  readonly pValue: number;
}

/** Cells below are pooled: the chi-squared approximation does not hold there (Cochran, 1954). */
const MIN_EXPECTED = 5;

/**
 * Chi-squared test of homogeneity of two samples over the same k categories (a 2×k table, k − 1 degrees of freedom); categories
 * with an expected count below 5 in either sample are pooled. Not the goodness-of-fit form, which takes the baseline for exact and raises false alarms.
 *
 * @throws RangeError when a sample is empty
 */
export function chiSquaredHomogeneity(a: readonly number[], b: readonly number[]): ChiSquared {
  const n = a.reduce((sum, count) => sum + count, 0);
  const m = b.reduce((sum, count) => sum + count, 0);
  if (n === 0 || m === 0) throw new RangeError('both samples need at least one value');
  const smaller = Math.min(n, m);
  const cells: [number, number][] = [];
  const pool: [number, number] = [0, 0];
  for (const [index, count] of a.entries()) {
    const other = b[index]!;
    if (((count + other) * smaller) / (n + m) >= MIN_EXPECTED) cells.push([count, other]);
    else {
      pool[0] += count;
      pool[1] += other;
    }
  }
  if (pool[0] + pool[1] > 0) cells.push(pool);
  const statistic = cells.reduce((sum, [x, y]) => {
    const [expectedX, expectedY] = [((x + y) * n) / (n + m), ((x + y) * m) / (n + m)];
    return sum + (x - expectedX) ** 2 / expectedX + (y - expectedY) ** 2 / expectedY;
  }, 0);
  const degrees = cells.length - 1;
  return { statistic, degrees, pValue: degrees === 0 ? 1 : chiSquaredTail(statistic, degrees) };
}
