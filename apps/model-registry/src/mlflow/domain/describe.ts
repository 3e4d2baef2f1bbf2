import { ContractError, type FeatureSpec, type TensorSpec } from '@throughline/contracts';
import type { UploadMetadata } from '../../domain/metadata.js';
import type { Graph } from '../../domain/signature.js';
import type { Metric } from './metrics.js';
import type { MlModel } from './mlmodel.js';

type Texts = Readonly<Record<string, string>>;
type Task = NonNullable<UploadMetadata['task']>;

/** A data set that the run has logged as its input. */
export interface LoggedDataset {
  readonly name: string;
  readonly digest: string;
  readonly source_type: string;
  readonly source: string;
}

/** What MLflow knows of a model that is about to become a version. */
export interface Story {
  readonly graph: Graph;
  readonly mlModel: MlModel;
  /** Of the logged model, the run, the registered model and the request; a later one precedes. */
  readonly tags: Texts;
  readonly params: Texts;
  readonly metrics: readonly Metric[];
  readonly datasets: readonly LoggedDataset[];
  readonly description: string | undefined;
  readonly environmentSha256: string | undefined;
}

/** Tags by which somebody says what MLflow has no word for. */
export const TAGS = {
  task: 'throughline.task',
  scoreOutput: 'throughline.score_output',
  scoreIndex: 'throughline.score_index',
  threshold: 'throughline.threshold',
  features: 'throughline.features',
  entities: 'throughline.entities',
  dataset: 'throughline.dataset',
  codeCommit: 'throughline.code_commit',
  team: 'throughline.team',
  parentVersion: 'throughline.parent_version',
  signature: 'throughline.signature',
} as const;

const TASKS: readonly Task[] = ['binary_classification', 'regression', 'other'];
const MAX_TEXT_LENGTH = 500;

/**
 * The metadata of a version, from what its run, its files and its tags tell.
 *
 * @throws ContractError `invalid_request` for a tag that cannot be read, or a graph whose columns nobody names
 */
export function describeUpload(story: Story): UploadMetadata {
  const { tags, params, metrics, description, environmentSha256, mlModel } = story;
  const codeCommit = tags[TAGS.codeCommit] ?? tags['mlflow.source.git.commit'];
  const trainer = tags['estimator_class'] ?? tags['estimator_name'] ?? tags['mlflow.source.name'];
  return {
    format: 'onnx',
    features: featuresOf(story),
    ...meaningOf(story),
    ...only('entities', tags[TAGS.entities] === undefined ? undefined : (readJson(TAGS.entities, tags[TAGS.entities]!) as Record<string, string>)),
    ...only('metrics', finite(metrics)),
    ...only('dataset', datasetOf(story)),
    ...only('codeCommit', short(codeCommit)),
    ...only('environmentSha256', environmentSha256),
    ...only('hyperparameters', Object.keys(params).length === 0 ? undefined : { ...params }),
    ...only('trainer', short(trainer)),
    ...only('trainerVersion', mlModel.mlflowVersion === undefined ? undefined : `mlflow ${mlModel.mlflowVersion}`),
    ...only('owner', short(tags['mlflow.user'])),
    ...only('team', short(tags[TAGS.team])),
    ...only('parentVersion', short(tags[TAGS.parentVersion])),
    ...only('modelCard', description === undefined || description === '' ? undefined : description),
  };
}

/** What the graph's columns are called: as a tag says, else the logged signature, else the graph itself. */
function featuresOf({ tags, graph, mlModel: { columns, width } }: Story): FeatureSpec[] {
  const said = tags[TAGS.features];
  if (said !== undefined) return readJson(TAGS.features, said) as FeatureSpec[];
  const { inputs, featureNames } = graph;
  if (inputs.length > 1) return inputs.flatMap(featuresOfInput);
  const [input] = inputs;
  if (input === undefined) return [];
  const wanted = widthOf(input) ?? columns?.length ?? width;
  if (columns !== undefined && columns.length === wanted && !isOnlyTheInput(columns.map(({ name }) => name), input)) return columns.map(({ name, isText }) => feature(name, isText || input.datatype === 'BYTES'));
  if (featureNames !== undefined) return featureNames.map((name) => feature(name, input.datatype === 'BYTES'));
  if (wanted === undefined) {
    throw new ContractError('invalid_request', `the graph does not say how many columns its input “${input.name}” takes, and the model was logged without a signature`, {
      cure: 'Log it with one: signature=mlflow.models.infer_signature(X, y); a data frame names the features besides.',
    });
  }
  return Array.from({ length: wanted }, (_, index) => feature(wanted === 1 ? input.name : `${input.name}_${index}`, input.datatype === 'BYTES'));
}

/** A signature that names the graph's tensor names no column of it. */
const isOnlyTheInput = (names: readonly string[], input: TensorSpec): boolean => names.length === 1 && names[0] === input.name && (widthOf(input) ?? 1) !== 1;

function featuresOfInput(input: TensorSpec): FeatureSpec[] {
  const width = widthOf(input) ?? 1;
  const isText = input.datatype === 'BYTES';
  return width === 1 ? [feature(input.name, isText)] : Array.from({ length: width }, (_, index) => feature(`${input.name}_${index}`, isText));
}

const feature = (name: string, isText: boolean): FeatureSpec => ({ name, kind: isText ? 'categorical' : 'numeric' });

/** Values a row; `undefined` when a dimension is free. */
function widthOf({ shape }: TensorSpec): number | undefined {
  const row = shape.slice(1);
  return row.includes(-1) ? undefined : row.reduce((product, size) => product * size, 1);
}

/** Task and score, as tags say; else guessed from the outputs where one meaning is plain, and `other` where none is. */
function meaningOf({ tags, graph }: Story): Pick<UploadMetadata, 'task' | 'score'> {
  const score = scoreOf(tags);
  const said = tags[TAGS.task];
  if (said !== undefined && !TASKS.includes(said as Task)) throw badTag(TAGS.task, said, `one of ${TASKS.join(', ')}`);
  return { task: (said as Task | undefined) ?? guessTask(graph.outputs), ...(score === undefined ? {} : { score }) };
}

function scoreOf(tags: Texts): UploadMetadata['score'] {
  const output = tags[TAGS.scoreOutput];
  if (output === undefined) {
    const lost = [TAGS.scoreIndex, TAGS.threshold].find((tag) => tags[tag] !== undefined);
    if (lost !== undefined) throw badTag(lost, tags[lost]!, `of no use without ${TAGS.scoreOutput}, which names the output`);
    return undefined;
  }
  const index = tags[TAGS.scoreIndex];
  const threshold = tags[TAGS.threshold];
  return { output, ...(index === undefined ? {} : { index: readNumber(TAGS.scoreIndex, index) }), ...(threshold === undefined ? {} : { threshold: readNumber(TAGS.threshold, threshold) }) };
}

/** Two probabilities beside a label are a binary classifier's; one number a row is a regression's. */
function guessTask(outputs: readonly TensorSpec[]): Task {
  const floats = outputs.filter(({ datatype }) => datatype === 'FP32' || datatype === 'FP64');
  const [only] = floats;
  if (only === undefined || floats.length > 1) return 'other';
  const width = widthOf(only);
  if (width === 2) return 'binary_classification';
  return width === 1 && outputs.length === 1 ? 'regression' : 'other';
}

function datasetOf({ tags, datasets }: Story): UploadMetadata['dataset'] {
  const said = tags[TAGS.dataset];
  if (said !== undefined && said.trim() !== '') return said.trimStart().startsWith('{') ? (readJson(TAGS.dataset, said) as Record<string, unknown>) : said;
  const [first, ...others] = datasets.map(({ name, digest, source_type: sourceType, source }) => ({ snapshotId: `${name}@${digest}`, name, digest, sourceType, source: source.slice(0, MAX_TEXT_LENGTH) }));
  return first === undefined ? undefined : { ...first, ...(others.length === 0 ? {} : { others }) };
}

/** JSON, and therefore the registry, has no NaN. */
function finite(metrics: readonly Metric[]): Record<string, number> | undefined {
  const values = metrics.filter(({ value }) => Number.isFinite(value)).map(({ key, value }): [string, number] => [key, value]);
  return values.length === 0 ? undefined : Object.fromEntries(values);
}

function readJson(tag: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badTag(tag, text, 'JSON');
  }
}

function readNumber(tag: string, text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw badTag(tag, text, 'a number');
}

const badTag = (tag: string, value: string, wanted: string): ContractError => new ContractError('invalid_request', `the tag “${tag}” is “${value.slice(0, 100)}”, and must be ${wanted}`, { cure: `Correct the tag, for example {"${TAGS.task}": "binary_classification", "${TAGS.scoreOutput}": "probabilities", "${TAGS.scoreIndex}": "1"}.` });
const short = (text: string | undefined): string | undefined => (text === undefined || text.trim() === '' ? undefined : text.slice(0, MAX_TEXT_LENGTH));
const only = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> => (value === undefined ? {} : ({ [key]: value } as Record<K, V>));
