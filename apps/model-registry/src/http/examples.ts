import { ModelDeployment } from '@throughline/contracts';
import { apiSchema } from '@throughline/http';

const BY = { author: 'ada@example.org', reason: 'better AUC on May' };

/** Bodies as people send them: not every field at once. */
export const ALIAS_EXAMPLES = {
  move: { summary: 'whatever it is now', value: { version: '2', ...BY } },
  swap: { summary: 'only if it is version 2 now', value: { version: '2', expected: '2', ...BY } },
};

export const DEPLOYMENT_EXAMPLES = {
  shadow: { summary: 'version 2 answers in the shadow of version 1', value: { champion: '1', shadows: ['2'], batching: { maxBatchSize: 64, maxDelayMs: 2 }, latencyBudgetMs: { queue: 5, inference: 2 }, ...BY } },
  fallback: { summary: 'what answers when the champion cannot', value: { champion: '1', fallbacks: [{ kind: 'last_known_good', maxAgeSeconds: 600 }, { kind: 'constant', outputs: { probability: [0.1] } }], ...BY } },
};

/** What serves, as workers read it. */
export const DEPLOYMENT = apiSchema({
  ...ModelDeployment,
  example: {
    model: 'flight-delay', revision: 7, decidedAt: '2026-11-21T12:00:00.000Z', challengers: [], shadows: [],
    champion: {
      version: '1', artifactSha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', format: 'onnx', sizeBytes: 1834,
      signature: {
        inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'probability', datatype: 'FP32', shape: [-1, 1] }],
        features: [{ name: 'hour', kind: 'numeric' }, { name: 'distance', kind: 'numeric' }], task: 'binary_classification', score: { output: 'probability', index: 0, threshold: 0.5 },
      },
    },
  },
});
