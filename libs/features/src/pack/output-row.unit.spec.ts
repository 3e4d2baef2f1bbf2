import { expect, it } from 'vitest';
import { outputRow } from './output-row.js';

it.each([
  ['FP32', Float32Array.of(0.1, Number.NaN), [0.1, 'NaN']],
  ['FP64', Float64Array.of(0.1, Number.NEGATIVE_INFINITY), [0.1, '-Infinity']],
  ['INT64', BigInt64Array.of(7n, 2n ** 60n), [7, '1152921504606846976']],
  ['INT32', Int32Array.of(7, -1), [7, -1]],
  ['BOOL', Uint8Array.of(1, 0), [true, false]],
  ['BYTES', ['late', 'on time'], ['late', 'on time']],
])('writes outputs of type %s as the protocol does', (datatype, data, expected) => {
  expect(outputRow({ datatype, data, rowWidth: 2 }, 0)).toEqual(expected);
});

it('gives the row that is asked for', () => expect(outputRow({ datatype: 'FP32', data: Float32Array.of(1, 2, 3, 4), rowWidth: 2 }, 1)).toEqual([3, 4]));
