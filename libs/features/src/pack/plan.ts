import type { ServedFeature, ServedSignature } from './signature.js';

export const DATATYPES = ['FP32', 'FP64', 'INT64', 'INT32', 'BOOL', 'BYTES'] as const;
export type PackDatatype = (typeof DATATYPES)[number];

type InputSpec = ServedSignature['inputs'][number];

/** One input tensor and the features that fill a row of it, by their index. */
export interface PlannedInput {
  readonly name: string;
  readonly datatype: PackDatatype;
  /** Row-major where a row has several dimensions. */
  readonly columns: readonly number[];
  /** Dimensions of a row; their product is the number of columns. */
  readonly rowShape: readonly number[];
}

/** How rows of a model's features become its input tensors; made once per version. */
export interface PackPlan {
  readonly features: readonly ServedFeature[];
  readonly inputs: readonly PlannedInput[];
  /** Index of a feature by its name. */
  readonly indexOf: ReadonlyMap<string, number>;
}

/** A signature whose features do not fit its inputs. */
export class PackPlanError extends Error {
  override readonly name = 'PackPlanError';
}

/**
 * Plans the packing of a model. One input [N, …] takes all features, in their order, row-major where a row has several dimensions. Of several
 * inputs those of one value a row ([N] or [N, 1]) take the feature of their name, and the other features fill the wider ones in order.
 *
 * @throws PackPlanError when the features do not fit.
 */
export function planPacking({ inputs, features }: ServedSignature): PackPlan {
  if (features.length === 0) throw new PackPlanError('the signature has no features');
  const indexOf = new Map(features.map(({ name }, index) => [name, index]));
  if (indexOf.size < features.length) throw new PackPlanError('two features have the same name');
  // Requests are plain objects: a feature of such a name would be found in every one of them.
  const reserved = features.find(({ name }) => name in Object.prototype);
  if (reserved !== undefined) throw new PackPlanError(`a feature cannot be called “${reserved.name}”`);
  if (inputs.length === 0) throw new PackPlanError('the signature has no inputs');
  const rowShapes = inputs.map((input) => rowShapeOf(input, inputs.length === 1 ? features.length : 1));
  const columns = assignColumns(inputs, rowShapes.map(sizeOf), indexOf);
  const planned = inputs.map(({ name, datatype }, at): PlannedInput => ({ name, datatype: knownDatatype(name, datatype), columns: columns[at]!, rowShape: rowShapes[at]! }));
  for (const input of planned) refuseNumbersAsText(input, features);
  return { features, indexOf, inputs: planned };
}

/** @param freeWidth what a free second dimension stands for */
function rowShapeOf({ name, shape }: InputSpec, freeWidth: number): number[] {
  if (shape.length === 0) throw new PackPlanError(`input “${name}” has no dimension for the rows`);
  const rowShape = shape.slice(1);
  if (rowShape.length === 1 && rowShape[0] === -1) return [freeWidth];
  if (rowShape.includes(-1)) throw new PackPlanError(`input “${name}” [${shape.join(', ')}] has a free dimension beside the rows; export it with fixed ones`);
  return rowShape;
}

/** Indices of the features of each input. */
function assignColumns(inputs: readonly InputSpec[], widths: readonly number[], indexOf: ReadonlyMap<string, number>): number[][] {
  const wanted = widths.reduce((sum, width) => sum + width, 0);
  if (wanted !== indexOf.size) throw new PackPlanError(`${inputs.map(describe).join(' and ')} ${inputs.length === 1 ? 'takes' : 'take'} ${wanted} values a row, the signature has ${indexOf.size} features`);
  if (inputs.length === 1) return [[...indexOf.values()]];
  const named = inputs.map(({ name }, at) => {
    if (widths[at] !== 1) return undefined;
    const index = indexOf.get(name);
    if (index === undefined) throw new PackPlanError(`input “${name}” has no feature of its name`);
    return index;
  });
  const others = [...indexOf.values()].filter((index) => !named.includes(index));
  return named.map((index, at) => (index === undefined ? others.splice(0, widths[at]) : [index]));
}

function refuseNumbersAsText({ name, datatype, columns }: PlannedInput, features: readonly ServedFeature[]): void {
  const numeric = datatype === 'BYTES' ? columns.find((index) => features[index]!.kind === 'numeric') : undefined;
  if (numeric !== undefined) throw new PackPlanError(`feature “${features[numeric]!.name}” is numeric, but the input “${name}” takes text; declare it categorical`);
}

function knownDatatype(input: string, datatype: string): PackDatatype {
  const known = DATATYPES.find((one) => one === datatype);
  if (known === undefined) throw new PackPlanError(`input “${input}” has the datatype ${datatype}; served are ${DATATYPES.join(', ')}`);
  return known;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);
const describe = ({ name, shape }: InputSpec): string => `“${name}” [${shape.join(', ')}]`;
