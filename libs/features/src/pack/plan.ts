import type { ServedFeature, ServedSignature } from './signature.js';

export const DATATYPES = ['FP32', 'FP64', 'INT64', 'INT32', 'BOOL', 'BYTES'] as const;
export type PackDatatype = (typeof DATATYPES)[number];

/** One input tensor and the features that fill a row of it, by their index. */
export interface PlannedInput {
  readonly name: string;
  readonly datatype: PackDatatype;
  readonly columns: readonly number[];
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
 * Plans the packing of a model: either all features are the columns of its one matrix [N, F], or each feature has an input of its
 * own name, [N] or [N, 1].
 *
 * @throws PackPlanError when the features fit neither.
 */
export function planPacking({ inputs, features }: ServedSignature): PackPlan {
  if (features.length === 0) throw new PackPlanError('the signature has no features');
  const indexOf = new Map(features.map(({ name }, index) => [name, index]));
  if (indexOf.size < features.length) throw new PackPlanError('two features have the same name');
  // Requests are plain objects: a feature of such a name would be found in every one of them.
  const reserved = features.find(({ name }) => name in Object.prototype);
  if (reserved !== undefined) throw new PackPlanError(`a feature cannot be called “${reserved.name}”`);
  const [first, ...others] = inputs;
  if (first === undefined) throw new PackPlanError('the signature has no inputs');
  const isMatrix = others.length === 0 && !(features.length === 1 && first.shape.length === 1);
  return { features, indexOf, inputs: isMatrix ? [planMatrix(first, features)] : inputs.map((input) => planColumn(input, indexOf, inputs.length)) };
}

function planMatrix({ name, datatype, shape }: ServedSignature['inputs'][number], features: readonly ServedFeature[]): PlannedInput {
  const fits = shape.length === 2 && (shape[1] === -1 || shape[1] === features.length);
  if (!fits) throw new PackPlanError(`input “${name}” [${shape.join(', ')}] does not take a matrix of ${features.length} features`);
  return { name, datatype: knownDatatype(name, datatype), columns: features.map((_, index) => index) };
}

function planColumn({ name, datatype, shape }: ServedSignature['inputs'][number], indexOf: ReadonlyMap<string, number>, inputCount: number): PlannedInput {
  if (indexOf.size !== inputCount) throw new PackPlanError(`${indexOf.size} features for ${inputCount} inputs; each input takes the one of its name`);
  const index = inputCount === 1 ? 0 : indexOf.get(name);
  if (index === undefined) throw new PackPlanError(`input “${name}” has no feature of its name`);
  const isColumn = shape.length === 1 || (shape.length === 2 && (shape[1] === 1 || shape[1] === -1));
  if (!isColumn) throw new PackPlanError(`input “${name}” [${shape.join(', ')}] is not one value a row`);
  return { name, datatype: knownDatatype(name, datatype), columns: [index] };
}

function knownDatatype(input: string, datatype: string): PackDatatype {
  const known = DATATYPES.find((one) => one === datatype);
  if (known === undefined) throw new PackPlanError(`input “${input}” has the datatype ${datatype}; served are ${DATATYPES.join(', ')}`);
  return known;
}
