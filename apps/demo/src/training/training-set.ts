import { createHash } from 'node:crypto';
import type { Matrix } from '@throughline/features';
import { FEATURE_NAMES } from '../domain/airport-traffic.js';
import { FlightFeatures } from '../domain/flight-features.js';
import { FIRST_DAY_MS, SCHEDULE } from '../domain/schedule.js';
import { readFlights, replayEvents } from '../flights/index.js';

/** Flights with their features as known at departure, in the order of departure. */
export interface TrainingSet {
  readonly values: Float32Array;
  readonly labels: Uint8Array;
  readonly rowCount: number;
  /** Rows before it are trained on, those from it on are held out. */
  readonly cut: number;
}

const WIDTH = FEATURE_NAMES.length;
const PROGRESS_EVERY_ROWS = 5000;

/**
 * Runs the feature view over the first four weeks, event by event, exactly as the feature store will; float32, as the model will see it.
 *
 * @param onProgress told the share of the time that is done, from 0 to 1
 */
export async function buildTrainingSet(onProgress: (share: number) => void): Promise<TrainingSet> {
  const { trainFromMs, trainToMs, holdOutFromMs } = SCHEDULE;
  const features = new FlightFeatures();
  const values: number[] = [];
  const labels: number[] = [];
  let cut = 0;
  for await (const event of replayEvents(readFlights({ from: trainFromMs, to: trainToMs }))) {
    if (event.kind === 'departure' && event.atMs >= trainFromMs + FIRST_DAY_MS) {
      values.push(...features.at(event.flight).row);
      labels.push(Number(event.flight.late));
      if (event.atMs < holdOutFromMs) cut = labels.length;
      if (labels.length % PROGRESS_EVERY_ROWS === 0) onProgress((event.atMs - trainFromMs) / (trainToMs - trainFromMs));
    }
    features.observe(event);
  }
  return { values: Float32Array.from(values), labels: Uint8Array.from(labels), rowCount: labels.length, cut };
}

/** Rows `from` to before `to` as a matrix, without copying. */
export function matrixOf({ values }: TrainingSet, from: number, to: number): Matrix {
  return { values: values.subarray(from * WIDTH, to * WIDTH), rowCount: to - from, width: WIDTH };
}

/** One name for exactly these rows and labels. */
export function digestOf({ values, labels }: TrainingSet): string {
  return createHash('sha256').update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength)).update(labels).digest('hex');
}
