/** A row-major matrix [rowCount, width]; NaN is a missing value. */
export interface Matrix {
  values: Float32Array | Float64Array;
  rowCount: number;
  width: number;
}

export interface Standardisation {
  /** Mean of the values present; 0 where none is. */
  mean: number[];
  /** Population standard deviation after missing values were replaced by the mean; 1 for a constant column. */
  scale: number[];
}

/** A spread this small beside the mean is rounding, not information. */
const CONSTANT_BELOW = 1e-12;

/**
 * Mean and scale of every column, in two passes (the one-pass formula cancels for values far from zero).
 *
 * @throws RangeError for an infinite value.
 */
export function standardisationOf({ values, rowCount, width }: Matrix): Standardisation {
  const sums = new Float64Array(width);
  const present = new Float64Array(width);
  forEachValue(values, width, (value, column) => {
    if (!Number.isFinite(value)) throw new RangeError(`column ${column} holds ${value}`);
    sums[column]! += value;
    present[column]! += 1;
  });
  const mean = Array.from(sums, (sum, column) => (present[column] === 0 ? 0 : sum / present[column]!));
  const squares = new Float64Array(width);
  forEachValue(values, width, (value, column) => {
    squares[column]! += (value - mean[column]!) ** 2;
  });
  const scale = Array.from(squares, (square, column) => {
    const deviation = Math.sqrt(square / rowCount);
    return deviation <= CONSTANT_BELOW * Math.abs(mean[column]!) || deviation === 0 ? 1 : deviation;
  });
  return { mean, scale };
}

/** Writes row `row`, standardised, into `into`; a missing value becomes the mean, which is 0. */
export function standardisedRow(matrix: Matrix, row: number, { mean, scale }: Standardisation, into: Float64Array): void {
  const { values, width } = matrix;
  const start = row * width;
  for (let column = 0; column < width; column++) {
    const value = values[start + column]!;
    into[column] = Number.isNaN(value) ? 0 : (value - mean[column]!) / scale[column]!;
  }
}

function forEachValue(values: Float32Array | Float64Array, width: number, visit: (value: number, column: number) => void): void {
  for (let start = 0; start < values.length; start += width) {
    for (let column = 0; column < width; column++) {
      const value = values[start + column]!;
      if (!Number.isNaN(value)) visit(value, column);
    }
  }
}
