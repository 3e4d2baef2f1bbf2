import { ContractError, type FeatureSpec, type ModelSignature } from '@throughline/contracts';
import { gradientBoostedTreesGraph, logisticRegressionGraph, randomTreeEnsemble, SessionLoader, sha256Hex, type LoaderOptions } from '@throughline/onnx';
import { createLogger, type Logger } from '@throughline/telemetry';
import type { ModelHost } from '../serving/model-host.js';
import { ModelMemory } from '../serving/model-memory.js';

export const numeric = (name: string, more: Partial<FeatureSpec> = {}): FeatureSpec => ({ name, kind: 'numeric', ...more });

export const signature = (features: FeatureSpec[], more: Partial<ModelSignature> = {}): ModelSignature => ({
  inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, features.length] }],
  outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
  features,
  task: 'binary_classification',
  score: { output: 'probability', index: 0, threshold: 0.5 },
  ...more,
});

/** A logistic regression over the features, whose answer depends on `bias`: versions can be told apart by their scores. */
export function logistic(features: FeatureSpec[], bias = 0): Uint8Array {
  const width = features.length;
  return logisticRegressionGraph({
    weights: features.map((_, index) => 0.01 * (index + 1)), bias,
    mean: new Array<number>(width).fill(0), scale: new Array<number>(width).fill(1),
    featureNames: features.map(({ name }) => name),
  });
}

/** What it answers. */
export function logisticScore(values: readonly number[], bias = 0): number {
  return 1 / (1 + Math.exp(-values.reduce((sum, value, index) => sum + 0.01 * (index + 1) * value, bias)));
}

export const trees = (features: number): Uint8Array => gradientBoostedTreesGraph(randomTreeEnsemble({ trees: 50, depth: 4, features, seed: 7 }));

export const rulesArtifact = (document: object): Uint8Array => new TextEncoder().encode(JSON.stringify(document));

/** What models live on, with these artifacts and nothing from elsewhere. */
export function hostOf(artifacts: Iterable<Uint8Array>, { maxBytes = 1e9, logger = createLogger('test', { level: 'silent' }), ...loader }: Partial<LoaderOptions> & { maxBytes?: number; logger?: Logger } = {}): ModelHost & { loader: SessionLoader } {
  const bySha256 = new Map([...artifacts].map((artifact) => [sha256Hex(artifact), artifact]));
  return {
    artifacts: {
      get: async ({ artifactSha256: sha256 }) => {
        const artifact = bySha256.get(sha256);
        if (artifact === undefined) throw new ContractError('not_found', `there is no artifact ${sha256}`);
        return artifact;
      },
    },
    loader: new SessionLoader({ intraOpNumThreads: 1, inlineMaxBatchMs: 1, inlineMaxLoadMs: 20, maxConcurrentLoads: 2, ...loader }),
    memory: new ModelMemory(maxBytes),
    logger,
  };
}
