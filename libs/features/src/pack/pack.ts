import type { FeatureScalar } from '../windows/definition.js';
import { convertBoolean, convertInt32, convertInt64, convertNumber, convertText } from './convert.js';
import type { PackDatatype, PackPlan, PlannedInput } from './plan.js';
import type { PackError, ServedFeature } from './signature.js';

export type ColumnData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | string[];

/** Input tensors under construction: by name of the input, row after row. */
export type PackedColumns = Record<string, ColumnData>;

const ALLOCATE: Record<PackDatatype, (length: number) => ColumnData> = {
  FP32: (length) => new Float32Array(length),
  FP64: (length) => new Float64Array(length),
  INT64: (length) => new BigInt64Array(length),
  INT32: (length) => new Int32Array(length),
  BOOL: (length) => new Uint8Array(length),
  BYTES: (length) => new Array<string>(length).fill(''),
};

/** Room for `rowCount` rows. */
export function allocateColumns({ inputs }: PackPlan, rowCount: number): PackedColumns {
  return Object.fromEntries(inputs.map(({ name, datatype, columns }) => [name, ALLOCATE[datatype](rowCount * columns.length)]));
}

/** Rows `from` (inclusive) to `to` (exclusive), without a copy where the datatype allows. */
export function sliceColumns({ inputs }: PackPlan, packed: PackedColumns, from: number, to: number): PackedColumns {
  return Object.fromEntries(
    inputs.map(({ name, columns: { length: width } }) => {
      const data = packed[name]!;
      return [name, Array.isArray(data) ? data.slice(from * width, to * width) : data.subarray(from * width, to * width)];
    }),
  );
}

/**
 * Writes a complete row (values in the order of the features) as row `row` of the tensors. On an error the row's place is
 * undefined and may be written again.
 *
 * @returns `undefined`, or `wrong_type` or `value_forbidden` with the feature's name.
 */
export function packRow({ inputs, features }: PackPlan, packed: PackedColumns, row: number, values: readonly FeatureScalar[]): PackError | undefined {
  for (const input of inputs) {
    const data = packed[input.name]!;
    const error = data instanceof Float32Array ? packFloats(input, features, data, row, values) : packOthers(input, features, data, row, values);
    if (error !== undefined) return error;
  }
  return undefined;
}

/** The common case, kept apart because it runs for every prediction: finite numbers go in without a call. */
function packFloats({ columns }: PlannedInput, features: readonly ServedFeature[], data: Float32Array, row: number, values: readonly FeatureScalar[]): PackError | undefined {
  const start = row * columns.length;
  for (let column = 0; column < columns.length; column++) {
    const index = columns[column]!;
    const value = values[index]!;
    if (typeof value === 'number') {
      data[start + column] = value;
      // Read back: a finite double beyond the range of the float32 has become infinite.
      if (Number.isFinite(data[start + column]!)) continue;
    }
    const converted = convertNumber(features[index]!, value, Math.fround);
    if (typeof converted === 'object') return converted;
    data[start + column] = converted;
  }
  return undefined;
}

function packOthers({ columns, datatype }: PlannedInput, features: readonly ServedFeature[], data: ColumnData, row: number, values: readonly FeatureScalar[]): PackError | undefined {
  const convert = CONVERT[datatype];
  for (let column = 0; column < columns.length; column++) {
    const index = columns[column]!;
    const converted = convert(features[index]!, values[index]!);
    if (typeof converted === 'object') return converted;
    data[row * columns.length + column] = converted;
  }
  return undefined;
}

const CONVERT: Record<PackDatatype, (feature: ServedFeature, value: FeatureScalar) => number | bigint | string | PackError> = {
  FP32: (feature, value) => convertNumber(feature, value, Math.fround),
  FP64: (feature, value) => convertNumber(feature, value, (number) => number),
  INT64: convertInt64,
  INT32: convertInt32,
  BOOL: convertBoolean,
  BYTES: convertText,
};
