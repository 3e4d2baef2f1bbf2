import type { FeatureScalar } from '../windows/definition.js';
import type { PackPlan, PlannedInput } from './plan.js';
import { isPackError, type PackError } from './signature.js';
import type { TableTensor, TensorTable } from './tensors.js';
import { WIRE_DATATYPES } from './wire-datatypes.js';

/** A tensor of a request and the features that its columns are. */
interface BoundTensor {
  readonly tensor: TableTensor;
  /** Index of the feature of each column. */
  readonly columns: readonly number[];
}

interface Binding {
  readonly plan: PackPlan;
  readonly bound: readonly BoundTensor[];
  /** Names of tensors that the model knows neither as input nor as feature. */
  readonly unknown: readonly string[];
  readonly error: PackError | undefined;
}

/** All rows of a request share its tensors, and nearly always the model. */
const bindings = new WeakMap<TensorTable, Binding>();

/**
 * Row `row` in the order of the model's features, from tensors of the names of its inputs, of its features ([n] or [n, 1]), or of both. Features
 * that no tensor brings stay `undefined`. Tensors that the model does not know are passed over, so that a version may stop using a feature
 * before its requesters stop sending it; but one at least must be known.
 *
 * @returns the values, or `unknown_input`, `wrong_shape`, `schema_invalid` (a feature comes twice), or `wrong_type` (a value is not of its
 *   tensor's datatype, or text meets numbers).
 */
export function tensorRow(plan: PackPlan, table: TensorTable, row: number): (FeatureScalar | undefined)[] | PackError {
  const { bound, error } = bindingOf(plan, table);
  if (error !== undefined) return error;
  const values = new Array<FeatureScalar | undefined>(plan.features.length).fill(undefined);
  for (const { tensor, columns } of bound) {
    const { data, width, datatype } = tensor;
    const { holds, expected } = WIRE_DATATYPES[datatype];
    for (let column = 0; column < width; column++) {
      const value = data[row * width + column]!;
      if (value !== null && !holds(value)) return { code: 'wrong_type', reason: `“${plan.features[columns[column]!]!.name}” must be ${expected}, as its tensor is ${datatype}` };
      values[columns[column]!] = value;
    }
  }
  return values;
}

/** Names of the tensors that the model knows neither as input nor as feature. */
export function unknownTensors(plan: PackPlan, table: TensorTable): readonly string[] {
  return bindingOf(plan, table).unknown;
}

function bindingOf(plan: PackPlan, table: TensorTable): Binding {
  let binding = bindings.get(table);
  if (binding?.plan !== plan) bindings.set(table, (binding = bind(plan, table)));
  return binding;
}

function bind(plan: PackPlan, { tensors }: TensorTable): Binding {
  const bound: BoundTensor[] = [];
  const unknown: string[] = [];
  const taken = new Set<number>();
  const failed = (error: PackError): Binding => ({ plan, bound: [], unknown, error });
  for (const tensor of tensors) {
    const columns = columnsOf(plan, tensor);
    if (columns === undefined) {
      unknown.push(tensor.name);
      continue;
    }
    if (isPackError(columns)) return failed(columns);
    const twice = columns.find((index) => taken.has(index));
    if (twice !== undefined) return failed({ code: 'schema_invalid', reason: `“${plan.features[twice]!.name}” comes twice: in a tensor of its own, and in that of the input` });
    for (const index of columns) taken.add(index);
    bound.push({ tensor, columns });
  }
  if (bound.length > 0) return { plan, bound, unknown, error: undefined };
  return failed({ code: 'unknown_input', reason: `the model has no input and no feature “${unknown[0]}”` });
}

function columnsOf(plan: PackPlan, tensor: TableTensor): readonly number[] | PackError | undefined {
  const { name, width, rowShape } = tensor;
  const index = plan.indexOf.get(name);
  const own = plan.inputs.find((input) => input.name === name);
  if (index !== undefined && width === 1) {
    const input = own?.columns.includes(index) === true ? own : plan.inputs.find(({ columns }) => columns.includes(index));
    return textMismatch(tensor, input) ?? [index];
  }
  if (own === undefined) return index === undefined ? undefined : { code: 'wrong_shape', reason: `feature “${name}” takes one value a row, got ${width}` };
  const isFlat = rowShape.length === 1 && width === own.columns.length;
  const fits = isFlat || (rowShape.length === own.rowShape.length && rowShape.every((size, at) => size === own.rowShape[at]));
  if (!fits) return { code: 'wrong_shape', reason: `input “${name}” takes [${['n', ...own.rowShape].join(', ')}], got [${['n', ...rowShape].join(', ')}]` };
  return textMismatch(tensor, own) ?? own.columns;
}

/** Numbers and booleans become one another where nothing is lost; text and numbers never. */
function textMismatch({ name, datatype }: TableTensor, input: PlannedInput | undefined): PackError | undefined {
  if (input === undefined || (input.datatype === 'BYTES') === (datatype === 'BYTES')) return undefined;
  return { code: 'wrong_type', reason: `“${name}” takes ${input.datatype}, its tensor is ${datatype}` };
}
