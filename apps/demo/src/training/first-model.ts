import { LOGISTIC_REGRESSION_TRAINER, trainLogisticRegression, type LogisticRegressionFit } from '@throughline/features';
import { logisticRegressionGraph, OnnxSession } from '@throughline/onnx';
import { ENTITIES, FEATURE_NAMES, featureSpecs } from '../domain/airport-traffic.js';
import { qualityOf, type QualityReport } from '../domain/quality.js';
import { SCHEDULE } from '../domain/schedule.js';
import { LATE_AFTER_MINUTES } from '../flights/index.js';
import { buildTrainingSet, digestOf, matrixOf, type TrainingSet } from './training-set.js';

/** What the registry is given. */
export interface FirstModel {
  readonly artifact: Uint8Array;
  readonly metadata: object;
  /** JSON Lines: features and score of a sample of the flights; the baseline profile is frozen from it. */
  readonly reference: string;
  readonly heldOut: QualityReport;
  /** Share of late flights among those it was trained on. */
  readonly baseRate: number;
}

export type OnTrainingProgress = (doing: string, share: number) => void;

const WIDTH = FEATURE_NAMES.length;
const L2 = 1;
const REFERENCE_ROWS = 10_000;
const CHUNK_ROWS = 4096;

/**
 * Trains on three weeks, judges by the fourth. Deterministic: the same file gives the same bytes, so that registering twice is registering once.
 *
 * @param viewVersion the feature store's version of the view
 */
export async function trainFirstModel(viewVersion: number, onProgress: OnTrainingProgress): Promise<FirstModel> {
  const set = await buildTrainingSet((share) => onProgress('reading flights and computing their features', share * 0.9));
  onProgress(`fitting logistic regression to ${set.cut} flights`, 0.9);
  const fit = trainLogisticRegression(matrixOf(set, 0, set.cut), set.labels.subarray(0, set.cut), { l2: L2 });
  const artifact = logisticRegressionGraph({ ...fit, featureNames: FEATURE_NAMES });
  onProgress(`scoring all ${set.rowCount}`, 0.95);
  const scores = await scoreAll(artifact, set, fit);
  const heldOut = qualityOf(scores.subarray(set.cut), set.labels.subarray(set.cut));
  const metadata = {
    features: featureSpecs(viewVersion, fit.imputation),
    entities: ENTITIES,
    task: 'binary_classification',
    score: { output: 'probability', index: 0, threshold: thresholdOf(scores.subarray(0, set.cut), fit.positiveCount) },
    metrics: metricsOf(heldOut),
    ...LOGISTIC_REGRESSION_TRAINER,
    hyperparameters: { l2: L2, iterations: fit.iterations },
    dataset: describe(set),
    tags: { demo: 'flights' },
    modelCard: MODEL_CARD,
  };
  return { artifact, metadata, reference: referenceOf(set, scores), heldOut, baseRate: fit.positiveCount / set.cut };
}

/** Scored by the artifact in the runtime that will serve it, with the fills that serving uses. */
async function scoreAll(artifact: Uint8Array, { values, rowCount }: TrainingSet, { imputation }: LogisticRegressionFit): Promise<Float32Array> {
  const session = await OnnxSession.load(artifact);
  const scores = new Float32Array(rowCount);
  for (let start = 0; start < rowCount; start += CHUNK_ROWS) {
    const end = Math.min(rowCount, start + CHUNK_ROWS);
    const chunk = values.slice(start * WIDTH, end * WIDTH).map((value, index) => (Number.isNaN(value) ? imputation[index % WIDTH]! : value));
    const { outputs } = await session.run(chunk, end - start);
    scores.set(outputs[0]!.data as Float32Array, start);
  }
  await session.dispose();
  return scores;
}

const metricsOf = ({ count, ...metrics }: QualityReport) => ({ ...metrics, rows: count });

/** As many flights are called late as were late. */
function thresholdOf(scores: Float32Array, positiveCount: number): number {
  return scores.toSorted()[scores.length - positiveCount]!;
}

function describe(set: TrainingSet) {
  const { trainFromMs, holdOutFromMs, trainToMs } = SCHEDULE;
  const instant = (ms: number): string => new Date(ms).toISOString();
  return {
    snapshotId: `flights-3m.parquet/${instant(trainFromMs)}/${instant(trainToMs)}`, source: 'vega-datasets, flights-3m.parquet', label: `arrives more than ${LATE_AFTER_MINUTES} minutes late`, sha256: digestOf(set),
    from: instant(trainFromMs), cut: instant(holdOutFromMs), to: instant(trainToMs), trainRows: set.cut, heldOutRows: set.rowCount - set.cut,
  };
}

/** Every n-th flight of all four weeks, so that all hours and weekdays are in it as often as they occur. */
function referenceOf({ values, rowCount }: TrainingSet, scores: Float32Array): string {
  const step = Math.max(1, Math.floor(rowCount / REFERENCE_ROWS));
  const lines: string[] = [];
  for (let row = 0; row < rowCount; row += step) {
    const line: Record<string, number | null> = { score: scores[row]! };
    FEATURE_NAMES.forEach((name, column) => {
      const value = values[row * WIDTH + column]!;
      line[name] = Number.isNaN(value) ? null : value;
    });
    lines.push(JSON.stringify(line));
  }
  return `${lines.join('\n')}\n`;
}

const MODEL_CARD = `# Late flights

The probability that a flight, at the moment it leaves, will arrive more than ${LATE_AFTER_MINUTES} minutes late. Logistic regression, trained on three weeks of January 2001 (United
States, domestic), judged by the fourth. It knows the hour and weekday at the origin, the distance, and what happened of late at both airports. It does not
know the delay at departure, for the data does not. It shows how the loop works; nobody should plan a journey by it.
`;
