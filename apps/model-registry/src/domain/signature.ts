import { ContractError, type ModelSignature, type TensorSpec } from '@throughline/contracts';
import { PackPlanError, planPacking } from '@throughline/features';
import type { GraphMetadata } from './metadata.js';

/** What a graph says about itself. */
export interface Graph {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Names of the input matrix's columns, where the exporter left them. */
  readonly featureNames?: readonly string[] | undefined;
}

type Score = NonNullable<ModelSignature['score']>;

/**
 * The signature a version is served by: the graph's tensors with the uploader's features. What would fail or, worse, score wrongly at the
 * first request is refused here.
 *
 * @throws ContractError `invalid_request` with the way out in its cure
 */
export function buildSignature(graph: Graph, metadata: GraphMetadata): ModelSignature {
  const { features, entities, task } = metadata;
  checkColumns(graph, features.map(({ name }) => name));
  const score = resolveScore(graph.outputs, metadata);
  const signature: ModelSignature = {
    inputs: [...graph.inputs],
    outputs: [...graph.outputs],
    features,
    task,
    ...(entities === undefined ? {} : { entities }),
    ...(score === undefined ? {} : { score }),
  };
  checkPacking(signature);
  return signature;
}

/** Columns in another order than the graph was trained on give answers that look right. */
function checkColumns({ inputs, featureNames }: Graph, names: readonly string[]): void {
  const width = (inputs.length === 1 ? rowWidth(inputs[0]!) : undefined) ?? -1;
  const hint = featureNames === undefined ? '' : `; the graph names its columns ${list(featureNames)}`;
  if (width > 0 && width !== names.length) {
    throw refuse(`the input “${inputs[0]?.name}” takes ${width} columns, but the metadata has ${names.length} features${hint}`, 'List exactly the features the model was trained on, in its order.');
  }
  if (featureNames === undefined) return;
  const missing = featureNames.filter((name) => !names.includes(name));
  const unknown = names.filter((name) => !featureNames.includes(name));
  if (missing.length > 0 || unknown.length > 0) {
    const parts = [missing.length > 0 ? `lacks ${list(missing)}` : '', unknown.length > 0 ? `has ${list(unknown)}, which the graph does not know` : ''];
    throw refuse(`the metadata ${parts.filter((part) => part !== '').join(' and ')}${hint}`, 'Use the names that the graph’s metadata holds under feature_names.');
  }
  const moved = featureNames.find((name, index) => names[index] !== name);
  if (moved !== undefined) throw refuse(`the features are in another order than the graph’s columns, from “${moved}” on${hint}`, 'List the features in the graph’s order.');
}

export function checkPacking(signature: ModelSignature): void {
  try {
    planPacking(signature);
  } catch (error) {
    if (!(error instanceof PackPlanError)) throw error;
    throw refuse(error.message, 'One input takes all features, in its order; of several, those of one value a row take the feature of their name, and the wider ones the others, in order.');
  }
}

function resolveScore(outputs: readonly TensorSpec[], { task, score }: GraphMetadata): Score | undefined {
  if (score !== undefined) return checkScore(outputs, { index: 0, ...score });
  const guess = task === 'other' ? undefined : guessScore(outputs, task);
  if (guess !== undefined || task === 'other') return guess;
  throw refuse(`it is not clear which of the outputs ${list(outputs.map(({ name }) => name))} holds the score`, 'Name it: "score": {"output": …, "index": …}.');
}

function checkScore(outputs: readonly TensorSpec[], score: Score): Score {
  const output = outputs.find(({ name }) => name === score.output);
  if (output === undefined) throw refuse(`the score’s output “${score.output}” does not exist`, `The graph’s outputs are ${list(outputs.map(({ name }) => name))}.`);
  if (output.datatype === 'BYTES') throw refuse(`the score’s output “${output.name}” holds text`, 'A score is a number.');
  const width = rowWidth(output);
  if (width !== undefined && score.index >= width) throw refuse(`the score’s index ${score.index} is beyond the ${width} value(s) a row of “${output.name}”`, `Use 0 to ${width - 1}.`);
  return score;
}

/** The unambiguous cases: the only number a row; or, of two classes, the probability of the second. */
function guessScore(outputs: readonly TensorSpec[], task: 'binary_classification' | 'regression'): Score | undefined {
  const floats = outputs.filter(({ datatype }) => datatype === 'FP32' || datatype === 'FP64');
  const [only] = floats;
  if (only === undefined || floats.length > 1) return undefined;
  const width = rowWidth(only);
  if (width === 1) return { output: only.name, index: 0 };
  return width === 2 && task === 'binary_classification' ? { output: only.name, index: 1 } : undefined;
}

/** Values a row; `undefined` where the graph leaves it open. */
export function rowWidth({ shape }: TensorSpec): number | undefined {
  const [, ...rest] = shape;
  return rest.some((dimension) => dimension < 0) ? undefined : rest.reduce((product, dimension) => product * dimension, 1);
}

const refuse = (reason: string, cure: string): ContractError => new ContractError('invalid_request', reason, { cure });
const list = (names: readonly string[]): string => names.slice(0, 20).map((name) => `“${name}”`).join(', ') + (names.length > 20 ? ', …' : '');
