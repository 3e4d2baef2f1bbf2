import type { FeatureScalar } from '../windows/definition.js';
import type { PackPlan } from './plan.js';
import { isPackError, type PackError } from './signature.js';

/** A tensor of the Open Inference Protocol; `data` row after row, flat or nested. */
export interface WireTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data: readonly unknown[];
}

/** The tensors of one request, read independently of any model: the first dimension is the row. */
export interface TensorTable {
  readonly rowCount: number;
  readonly tensors: readonly { readonly name: string; readonly width: number; readonly data: readonly FeatureScalar[] }[];
}

const WIRE_DATATYPES = new Set('BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BF16 BYTES'.split(' '));
/** The most that a request may hold, so that a product of dimensions stays an exact integer. */
const MAX_ELEMENTS = 2 ** 31;

const wrongShape = (reason: string): PackError => ({ code: 'wrong_shape', reason });

/** Checks shapes and element types: `wrong_shape`, `wrong_type`, or the table. */
export function readTensors(tensors: readonly WireTensor[]): TensorTable | PackError {
  const read: TensorTable['tensors'][number][] = [];
  const rowCount = tensors[0]?.shape[0];
  if (rowCount === undefined || rowCount < 1) return wrongShape('the request holds no rows');
  for (const tensor of tensors) {
    if (tensor.shape[0] !== rowCount) return wrongShape(`tensor “${tensor.name}” has ${tensor.shape[0] ?? 0} rows, the first has ${rowCount}`);
    const one = readTensor(tensor, rowCount);
    if (isPackError(one)) return one;
    read.push(one);
  }
  return { rowCount, tensors: read };
}

function readTensor({ name, shape, datatype, data }: WireTensor, rowCount: number): TensorTable['tensors'][number] | PackError {
  if (!WIRE_DATATYPES.has(datatype)) return { code: 'wrong_type', reason: `tensor “${name}” has an unknown datatype` };
  const elementCount = shape.reduce((product, size) => product * size, 1);
  if (elementCount > MAX_ELEMENTS) return wrongShape(`tensor “${name}” is too large`);
  const flat = Array.isArray(data[0]) ? (data as unknown[]).flat(Math.max(1, shape.length - 1)) : data;
  if (flat.length !== elementCount) return wrongShape(`tensor “${name}” has ${flat.length} values for the shape [${shape.join(', ')}]`);
  if (!flat.every(isScalar)) return { code: 'wrong_type', reason: `tensor “${name}” holds a value that is neither number, text nor boolean` };
  return { name, width: elementCount / rowCount, data: flat };
}

/**
 * Row `row` in the order of the model's features: from one tensor [n, F] of the name of the model's one input, or from tensors [n] or
 * [n, 1] of the names of features (those that are absent stay `undefined`).
 */
export function tensorRow(plan: PackPlan, { tensors }: TensorTable, row: number): (FeatureScalar | undefined)[] | PackError {
  const [first] = tensors;
  const featureCount = plan.features.length;
  const isMatrix = tensors.length === 1 && plan.inputs.length === 1 && first!.name === plan.inputs[0]!.name && !plan.indexOf.has(first!.name);
  if (isMatrix) {
    if (first!.width !== featureCount) return wrongShape(`the model takes ${featureCount} features a row, got ${first!.width}`);
    return first!.data.slice(row * featureCount, (row + 1) * featureCount);
  }
  const values = new Array<FeatureScalar | undefined>(featureCount).fill(undefined);
  for (const { name, width, data } of tensors) {
    const index = plan.indexOf.get(name);
    if (index === undefined) return wrongShape(`the model has no input and no feature “${name}”`);
    if (width !== 1) return wrongShape(`feature “${name}” takes one value a row, got ${width}`);
    values[index] = data[row];
  }
  return values;
}

const isScalar = (value: unknown): value is FeatureScalar => value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean';
