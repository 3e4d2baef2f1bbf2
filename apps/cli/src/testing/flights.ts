import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logisticRegressionGraph } from '@throughline/onnx';
import type { Installation } from './installation.js';

/** A model of two features, uploaded and promoted as a person would. */
export async function promoteFlightDelay(home: Installation): Promise<void> {
  const artifact = join(home.folder, 'model.onnx');
  const metadata = join(home.folder, 'metadata.json');
  writeFileSync(artifact, logisticRegressionGraph({ weights: [0.1, -0.01], bias: 0, mean: [0, 0], scale: [1, 1], featureNames: ['hour', 'distance'] }));
  writeFileSync(metadata, JSON.stringify({ features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }], task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 }, dataset: { snapshotId: 'test' }, codeCommit: 'test', metrics: { auc: 0.5 } }));
  for (const args of [['push', 'flight-delay', '--artifact', artifact, '--metadata', metadata], ['promote', 'flight-delay', '1']]) {
    const { code, err } = await home.run('models', ...args);
    if (code !== 0) throw new Error(err);
  }
}

export interface Flight {
  readonly flight: string;
  readonly hour: number;
  readonly distance: number;
}

/** Flights whose predictions tell them apart. */
export const flights = (count: number): Flight[] => Array.from({ length: count }, (_, index) => ({ flight: `F-${index}`, hour: index % 24, distance: (index * 7) % 1000 }));

/** What the model answers. */
export const probabilityOf = ({ hour, distance }: Pick<Flight, 'hour' | 'distance'>): number => 1 / (1 + Math.exp(-(0.1 * hour - 0.01 * distance)));
