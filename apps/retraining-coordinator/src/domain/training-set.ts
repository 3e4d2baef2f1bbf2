import { ContractError, type ModelSignature } from '@throughline/contracts';
import { splitByTime } from '@throughline/features';

/** Predictions whose outcome is known, oldest first or not; one matrix, row after row. */
export interface LabelledRows {
  readonly rowCount: number;
  /** Columns of `values`: the features of the champion's signature, in its order. */
  readonly width: number;
  /** [rowCount, width]; NaN is missing. */
  readonly values: Float64Array;
  /** 1 for a positive outcome, else 0. */
  readonly labels: Uint8Array;
  /** Event time of the request, epoch milliseconds. */
  readonly occurredAtMs: Float64Array;
  /** What the version that answered said then; NaN if it is not on record. */
  readonly scores: Float64Array;
  /** Which version answered. */
  readonly versions: readonly string[];
}

export interface SplitOptions {
  readonly minLabels: number;
  readonly heldOutFraction: number;
  readonly windowSeconds?: number | undefined;
  readonly maturitySeconds: number;
  readonly championVersion: string;
}

/** Numbers of rows. */
export interface SplitRows {
  readonly train: readonly number[];
  /** Later than all of `train`, and answered by the champion: candidate and champion are compared on exactly these. */
  readonly compared: readonly number[];
  /** Event time of the first row that was held out, epoch milliseconds. */
  readonly cutMs: number;
}

/** With fewer of either class, a comparison says nothing. */
const MIN_PER_CLASS = 20;

/**
 * Chooses what to train on and what to judge by. A model is judged on a time it has not seen.
 *
 * @throws ContractError `insufficient_data` saying what there is too little of
 */
export function splitRows(rows: LabelledRows, options: SplitOptions): SplitRows {
  const usable = rowsInWindow(rows, options);
  if (usable.length < options.minLabels) {
    throw new ContractError('insufficient_data', `${usable.length} predictions with a usable outcome, the policy wants ${options.minLabels}`);
  }
  const timeOf = (row: number): number => rows.occurredAtMs[row]!;
  const { train, heldOut, cutMs } = splitOrThrow(usable, timeOf, options.heldOutFraction);
  const compared = heldOut.filter((row) => rows.versions[row] === options.championVersion && !Number.isNaN(rows.scores[row]!));
  assertBothClasses(rows, train, 'to train on');
  assertBothClasses(rows, compared, `held out and answered by version ${options.championVersion}`);
  return { train, compared, cutMs };
}

/** The newest rows are left out for as long as outcomes usually take: among them the quick outcomes are too many. */
function rowsInWindow(rows: LabelledRows, { windowSeconds, maturitySeconds }: SplitOptions): number[] {
  const newestMs = rows.occurredAtMs.reduce((max, ms) => Math.max(max, ms), -Infinity);
  const fromMs = windowSeconds === undefined ? -Infinity : newestMs - windowSeconds * 1000;
  const toMs = newestMs - maturitySeconds * 1000;
  const usable: number[] = [];
  for (let row = 0; row < rows.rowCount; row += 1) {
    const atMs = rows.occurredAtMs[row]!;
    if (atMs >= fromMs && atMs <= toMs) usable.push(row);
  }
  return usable;
}

function splitOrThrow(rows: readonly number[], timeOf: (row: number) => number, fraction: number) {
  try {
    return splitByTime(rows, timeOf, fraction);
  } catch (cause) {
    throw new ContractError('insufficient_data', (cause as Error).message, { cause });
  }
}

function assertBothClasses({ labels }: LabelledRows, rows: readonly number[], which: string): void {
  const positives = rows.reduce((sum, row) => sum + labels[row]!, 0);
  const least = Math.min(positives, rows.length - positives);
  if (least >= MIN_PER_CLASS) return;
  throw new ContractError('insufficient_data', `${rows.length} rows ${which}, ${positives} of them positive; of either class there must be ${MIN_PER_CLASS}`);
}

/**
 * Whether the built-in trainer can replace a model.
 *
 * @throws ContractError `invalid_request` saying why not
 */
export function assertTrainable({ task, features }: Pick<ModelSignature, 'task' | 'features'>): void {
  const cure = 'Train elsewhere and register the version, with parentVersion.';
  if (task !== 'binary_classification') throw new ContractError('invalid_request', `the built-in trainer is for binary_classification, the model's task is ${task}`, { cure });
  const categorical = features.find(({ kind }) => kind === 'categorical');
  if (categorical !== undefined) throw new ContractError('invalid_request', `the built-in trainer takes numbers only, feature ${categorical.name} is categorical`, { cure });
}

/** Picks at most `count` of the rows, evenly over their order: the same rows give the same sample. */
export function evenSample(rows: readonly number[], count: number): number[] {
  if (rows.length <= count) return [...rows];
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)]!);
}
