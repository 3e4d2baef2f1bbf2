import { toWire } from './convert.js';
import { shortestFloat32 } from './float32.js';

/** One output of a batch, row after row: row i is `data[i * rowWidth]` and the `rowWidth - 1` after it; BOOL as 0 and 1. */
export interface OutputValues {
  readonly datatype: string;
  readonly data: ArrayLike<number | bigint | string>;
  readonly rowWidth: number;
}

/**
 * The values of one row as they travel in JSON: shortest float32, what is not finite and large integers as text, BOOL as true and false. Whoever
 * recomputes an answer must write it as the one who gave it.
 */
export function outputRow({ data, rowWidth, datatype }: OutputValues, row: number): (number | string | boolean)[] {
  // Every prediction pays for it: no closure, and no array that grows.
  const values = new Array<number | string | boolean>(rowWidth);
  for (let column = 0; column < rowWidth; column++) {
    const value = data[row * rowWidth + column]!;
    if (typeof value === 'string') values[column] = value;
    else if (datatype === 'BOOL') values[column] = Number(value) === 1;
    else values[column] = toWire(datatype === 'FP32' && typeof value === 'number' ? shortestFloat32(value) : value);
  }
  return values;
}
