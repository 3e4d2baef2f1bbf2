import { ContractError } from '@throughline/contracts';
import { Tensor } from 'onnxruntime-node';
import type { Datatype, GraphSignature, GraphTensor } from './signature.js';

export type ColumnData = Float32Array | Float64Array | BigInt64Array | Int32Array | Uint8Array | string[];

/** Values by name of the input, row after row; BOOL as 0 and 1 in a Uint8Array, BYTES as strings. */
export type InputColumns = Readonly<Record<string, ColumnData>>;

type ColumnOf<T extends ColumnData> = { tensorType: string; accepts: (data: ColumnData) => boolean; zeros: (length: number) => T };

const COLUMNS: Record<Datatype, ColumnOf<ColumnData>> = {
  FP32: { tensorType: 'float32', accepts: (data) => data instanceof Float32Array, zeros: (length) => new Float32Array(length) },
  FP64: { tensorType: 'float64', accepts: (data) => data instanceof Float64Array, zeros: (length) => new Float64Array(length) },
  INT64: { tensorType: 'int64', accepts: (data) => data instanceof BigInt64Array, zeros: (length) => new BigInt64Array(length) },
  INT32: { tensorType: 'int32', accepts: (data) => data instanceof Int32Array, zeros: (length) => new Int32Array(length) },
  BOOL: { tensorType: 'bool', accepts: (data) => data instanceof Uint8Array, zeros: (length) => new Uint8Array(length) },
  BYTES: { tensorType: 'string', accepts: (data) => Array.isArray(data), zeros: (length) => new Array<string>(length).fill('') },
};

/** The one FP32 input that a matrix of these dimensions feeds. */
export function checkMatrix(signature: GraphSignature, width: number | undefined, rows: Float32Array, rowCount: number): GraphTensor {
  const input = signature.inputs[0];
  if (signature.inputs.length !== 1 || input === undefined || input.shape.length !== 2 || input.datatype !== 'FP32') {
    throw new ContractError('wrong_shape', `the model takes ${signature.inputs.map(describe).join(', ')}, not one FP32 matrix`);
  }
  checkRowCount(rowCount);
  if (width === undefined ? rows.length % rowCount !== 0 : rows.length !== rowCount * width) {
    throw new ContractError('wrong_shape', `${rowCount} rows for ${describe(input)} need ${width === undefined ? 'whole rows' : `${rowCount * width} numbers`}, got ${rows.length}`);
  }
  return input;
}

/** One tensor per input, a lone row doubled. */
export function batchTensors(signature: GraphSignature, columns: InputColumns, rowCount: number): Record<string, Tensor> {
  checkRowCount(rowCount);
  const feeds: Record<string, Tensor> = {};
  for (const input of signature.inputs) feeds[input.name] = batchTensor(input, columns[input.name], rowCount);
  return feeds;
}

function batchTensor(input: GraphTensor, data: ColumnData | undefined, rowCount: number): Tensor {
  if (data === undefined) throw new ContractError('feature_missing', `the model's input ${describe(input)} has no column`);
  const column = COLUMNS[input.datatype];
  if (!column.accepts(data)) throw new ContractError('wrong_type', `input ${describe(input)} got a ${data.constructor.name}`);
  const rowShape = resolveRowShape(input, data.length / rowCount);
  const padded = rowCount === 1 ? padToTwo(data) : data;
  return new Tensor(column.tensorType as 'float32', padded as Float32Array, [Math.max(rowCount, 2), ...rowShape]);
}

/** Dimensions after the first; at most one free one is solved for. */
function resolveRowShape(input: GraphTensor, valuesPerRow: number): number[] {
  const rowShape = input.shape.slice(1);
  const known = rowShape.filter((size) => size !== -1).reduce((product, size) => product * size, 1);
  const free = rowShape.length - rowShape.filter((size) => size !== -1).length;
  const solved = free === 0 ? 1 : valuesPerRow / known;
  if (free > 1 || !Number.isInteger(solved) || solved < 1 || solved * known !== valuesPerRow) {
    throw new ContractError('wrong_shape', `input ${describe(input)} got ${valuesPerRow} values a row`);
  }
  return rowShape.map((size) => (size === -1 ? solved : size));
}

/** A batch of zeros and empty strings that fits the signature; a free width that nobody named counts as one. */
export function zeroColumns(signature: GraphSignature, inputWidth: number | undefined, rowCount: number): InputColumns {
  const widthOf = (input: GraphTensor) => inputWidth ?? input.shape.slice(1).reduce((product, size) => product * (size === -1 ? 1 : size), 1);
  return Object.fromEntries(signature.inputs.map((input) => [input.name, COLUMNS[input.datatype].zeros(rowCount * widthOf(input))]));
}

/** The one row twice. */
export function padToTwo<T extends ColumnData>(row: T): T {
  if (Array.isArray(row)) return [...row, ...row] as T;
  const padded = new (row.constructor as new (length: number) => Exclude<ColumnData, string[]>)(row.length * 2);
  padded.set(row as never);
  padded.set(row as never, row.length);
  return padded as T;
}

function checkRowCount(rowCount: number): void {
  if (!Number.isInteger(rowCount) || rowCount < 1) throw new ContractError('wrong_shape', `a batch needs at least one row, got ${rowCount}`);
}

function describe(input: GraphTensor): string {
  return `“${input.name}” ${input.datatype} [${input.shape.map((size) => (size === -1 ? 'N' : size)).join(', ')}]`;
}
