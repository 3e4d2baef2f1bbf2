import type { FeatureScalar } from '../windows/definition.js';
import { isPackError, type PackError } from './signature.js';
import { isWireDatatype, type WireDatatype } from './wire-datatypes.js';

/** A tensor of the Open Inference Protocol; `data` row after row, flat or nested. */
export interface WireTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data: readonly unknown[];
}

export interface TableTensor {
  readonly name: string;
  readonly datatype: WireDatatype;
  /** Dimensions of a row. */
  readonly rowShape: readonly number[];
  /** Values a row. */
  readonly width: number;
  readonly data: readonly FeatureScalar[];
}

/** The tensors of one request, read independently of any model: the first dimension is the row. */
export interface TensorTable {
  readonly rowCount: number;
  readonly tensors: readonly TableTensor[];
}

/** The most that a request may hold, so that a product of dimensions stays an exact integer. */
const MAX_ELEMENTS = 2 ** 31;

/** More than any model has, and few enough for nested data to be laid flat by recursion. */
const MAX_DIMENSIONS = 32;

const wrongShape = (reason: string): PackError => ({ code: 'wrong_shape', reason });

/** Checks names, shapes and datatypes: `schema_invalid`, `wrong_shape`, `wrong_type`, or the table. */
export function readTensors(tensors: readonly WireTensor[]): TensorTable | PackError {
  const read: TableTensor[] = [];
  const rowCount = tensors[0]?.shape[0];
  if (rowCount === undefined || rowCount < 1) return wrongShape('the request holds no rows');
  for (const tensor of tensors) {
    if (tensor.shape[0] !== rowCount) return wrongShape(`tensor “${tensor.name}” has ${tensor.shape[0] ?? 0} rows, the first has ${rowCount}`);
    const one = readTensor(tensor, rowCount);
    if (isPackError(one)) return one;
    read.push(one);
  }
  const names = new Set(read.map(({ name }) => name));
  const twice = names.size === read.length ? undefined : read.find(({ name }) => !names.delete(name));
  return twice === undefined ? { rowCount, tensors: read } : { code: 'schema_invalid', reason: `the request has two tensors “${twice.name}”` };
}

function readTensor({ name, shape, datatype, data }: WireTensor, rowCount: number): TableTensor | PackError {
  if (!isWireDatatype(datatype)) return { code: 'wrong_type', reason: `tensor “${name}” has an unknown datatype` };
  if (shape.length > MAX_DIMENSIONS) return wrongShape(`tensor “${name}” has ${shape.length} dimensions`);
  const elementCount = shape.reduce((product, size) => product * size, 1);
  if (elementCount === 0) return wrongShape(`tensor “${name}” [${shape.join(', ')}] holds no values`);
  if (elementCount > MAX_ELEMENTS) return wrongShape(`tensor “${name}” is too large`);
  const flat = Array.isArray(data[0]) ? (data as unknown[]).flat(Math.max(1, shape.length - 1)) : data;
  if (flat.length !== elementCount) return wrongShape(`tensor “${name}” has ${flat.length} values for the shape [${shape.join(', ')}]`);
  if (!flat.every(isScalar)) return { code: 'wrong_type', reason: `tensor “${name}” holds a value that is neither number, text nor boolean` };
  return { name, datatype, rowShape: shape.slice(1), width: elementCount / rowCount, data: flat };
}

const isScalar = (value: unknown): value is FeatureScalar => value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
