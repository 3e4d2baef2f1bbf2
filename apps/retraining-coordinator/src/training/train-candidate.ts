import { createHash } from 'node:crypto';
import type { ModelSignature } from '@throughline/contracts';
import { trainLogisticRegression, type LogisticRegressionFit } from '@throughline/features';
import { logisticRegressionGraph, OnnxSession } from '@throughline/onnx';
import { candidateMetadata, DEFAULT_THRESHOLD, type CandidateMetadata } from '../domain/candidate.js';
import { binaryMetrics } from '../domain/metrics.js';
import type { RetrainingPolicy } from '../domain/policy.js';
import type { Stage } from '../domain/run.js';
import { assertTrainable, evenSample, splitRows, type LabelledRows } from '../domain/training-set.js';
import { readExport } from './read-export.js';

export interface TrainingJob {
  readonly runId: string;
  readonly parquet: ArrayBuffer;
  readonly championVersion: string;
  readonly signature: ModelSignature;
  readonly policy: RetrainingPolicy;
}

/** A candidate that the registry can be given, and both sides' numbers on the same later rows. */
export interface TrainedCandidate {
  readonly artifact: Uint8Array;
  readonly metadata: CandidateMetadata;
  /** JSON Lines: a sample of the training rows with the candidate's scores; the baseline is frozen from it. */
  readonly reference: Uint8Array;
  readonly championMetrics: Readonly<Record<string, number>>;
}

export type OnTrainingProgress = (stage: Stage, fraction: number, message: string) => void;

const REFERENCE_ROWS = 5000;
const SCORE_CHUNK_ROWS = 2048;
const MAX_ITERATIONS = 50;

/**
 * Trains, writes the candidate as ONNX, and compares it, as it will be served, with what the champion answered in the held-out time.
 * Deterministic; blocks its thread.
 *
 * @throws ContractError `insufficient_data`, `invalid_request` (not for the built-in trainer), `unavailable` (not an export)
 */
export async function trainCandidate(job: TrainingJob, onProgress: OnTrainingProgress): Promise<TrainedCandidate> {
  const { signature, policy, championVersion, runId } = job;
  assertTrainable(signature);
  const rows = await readExport(job.parquet, signature.features);
  const { train, compared, cutMs } = splitRows(rows, { ...policy, championVersion });
  onProgress('train', 0.3, `training on ${train.length} predictions, ${compared.length} later ones held out`);

  const fit = trainLogisticRegression(matrixOf(rows, train), Uint8Array.from(train, (row) => rows.labels[row]!), {
    l2: policy.l2, maxIterations: MAX_ITERATIONS, onProgress: ({ iteration, objective }) => onProgress('train', 0.3 + 0.3 * (1 - 1 / (1 + iteration)), `iteration ${iteration}: loss ${objective.toFixed(4)}`),
  });
  const artifact = logisticRegressionGraph({ ...fit, featureNames: signature.features.map(({ name }) => name) });

  onProgress('evaluate', 0.7, `comparing with version ${championVersion} on ${compared.length} predictions`);
  const score = await scorer(artifact, rows, fit);
  const labels = compared.map((row) => rows.labels[row]!);
  const threshold = signature.score?.threshold ?? DEFAULT_THRESHOLD;
  const metrics = binaryMetrics(await score(compared), labels, threshold);
  const championMetrics = binaryMetrics(compared.map((row) => rows.scores[row]!), labels, threshold);

  const metadata = candidateMetadata({
    signature, championVersion, runId, metrics, imputation: fit.imputation,
    hyperparameters: { l2: policy.l2, maxIterations: MAX_ITERATIONS, iterations: fit.iterations },
    dataset: describeDataset(job.parquet, rows, { train, compared, cutMs }),
  });
  return { artifact, metadata, championMetrics, reference: await referenceOf(rows, train, signature, score) };
}

function matrixOf({ values, width }: LabelledRows, rows: readonly number[]) {
  const matrix = new Float64Array(rows.length * width);
  rows.forEach((row, index) => matrix.set(values.subarray(row * width, (row + 1) * width), index * width));
  return { values: matrix, rowCount: rows.length, width };
}

type Scorer = (rows: readonly number[]) => Promise<number[]>;

/** Scores with the artifact itself, in the runtime that will serve it, with the fills that serving uses. */
async function scorer(artifact: Uint8Array, { values, width }: LabelledRows, { imputation }: LogisticRegressionFit): Promise<Scorer> {
  const session = await OnnxSession.load(artifact);
  return async (rows) => {
    const scores: number[] = [];
    for (let start = 0; start < rows.length; start += SCORE_CHUNK_ROWS) {
      const chunk = rows.slice(start, start + SCORE_CHUNK_ROWS);
      const inputs = new Float32Array(chunk.length * width);
      chunk.forEach((row, index) => {
        for (let column = 0; column < width; column += 1) {
          const value = values[row * width + column]!;
          inputs[index * width + column] = Number.isNaN(value) ? imputation[column]! : value;
        }
      });
      const { outputs } = await session.run(inputs, chunk.length);
      for (const probability of outputs[0]!.data) scores.push(Number(probability));
    }
    return scores;
  };
}

function describeDataset(parquet: ArrayBuffer, { occurredAtMs }: LabelledRows, { train, compared, cutMs }: { train: readonly number[]; compared: readonly number[]; cutMs: number }) {
  const times = train.map((row) => occurredAtMs[row]!);
  const [from, to] = [times[0]!, occurredAtMs[compared.at(-1)!]!].map((ms) => new Date(ms).toISOString());
  return {
    snapshotId: `outcome-ledger/${from}/${to}`, source: 'outcome-ledger', sha256: createHash('sha256').update(new Uint8Array(parquet)).digest('hex'), trainRows: train.length, heldOutRows: compared.length,
    from, cut: new Date(cutMs).toISOString(), to,
  };
}

async function referenceOf(rows: LabelledRows, train: readonly number[], { features }: ModelSignature, score: Scorer): Promise<Uint8Array> {
  const sample = evenSample(train, REFERENCE_ROWS);
  const scores = await score(sample);
  const lines = sample.map((row, index) => {
    const line: Record<string, number | null> = { score: scores[index]! };
    features.forEach(({ name }, column) => {
      const value = rows.values[row * rows.width + column]!;
      line[name] = Number.isNaN(value) ? null : value;
    });
    return JSON.stringify(line);
  });
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}
