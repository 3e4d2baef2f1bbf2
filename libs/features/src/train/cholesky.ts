/** A pivot below this share of its diagonal entry means that the column depends on the ones before it. */
const SINGULAR_BELOW = 1e-12;

/**
 * Solves A·x = b for a symmetric positive definite A by Cholesky's decomposition (Golub and Van Loan, Matrix Computations, §4.2).
 *
 * @param matrix A, row-major [n, n]; its lower triangle is read, and overwritten with the factor.
 * @param right b, overwritten with x.
 * @throws RangeError when A is not positive definite to working precision.
 */
export function solvePositiveDefinite(matrix: Float64Array, right: Float64Array): void {
  const n = right.length;
  factorise(matrix, n);
  for (let i = 0; i < n; i++) {
    let sum = right[i]!;
    for (let k = 0; k < i; k++) sum -= matrix[i * n + k]! * right[k]!;
    right[i] = sum / matrix[i * n + i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = right[i]!;
    for (let k = i + 1; k < n; k++) sum -= matrix[k * n + i]! * right[k]!;
    right[i] = sum / matrix[i * n + i]!;
  }
}

function factorise(matrix: Float64Array, n: number): void {
  for (let j = 0; j < n; j++) {
    const diagonal = matrix[j * n + j]!;
    let pivot = diagonal;
    for (let k = 0; k < j; k++) pivot -= matrix[j * n + k]! ** 2;
    if (!(pivot > SINGULAR_BELOW * diagonal)) throw new RangeError(`column ${j} depends on the columns before it`);
    const root = Math.sqrt(pivot);
    matrix[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= matrix[i * n + k]! * matrix[j * n + k]!;
      matrix[i * n + j] = sum / root;
    }
  }
}
