import type { RolloutSpec } from '../../domain/spec.js';
import type { Installation } from '../../../testing/harness.js';
import { MODEL } from './events.js';

export const ROLLOUT = '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11';

export const SPEC: RolloutSpec = {
  strategy: 'canary', candidate: 2, steps: [{ share: 0.2, minSeconds: 0, minPredictions: 0, minOutcomes: 0 }, { share: 1, minSeconds: 0, minPredictions: 0, minOutcomes: 0 }],
  guards: [
    { kind: 'error_rate', minSamples: 100, maxIncrease: 0.05 }, { kind: 'p99_latency', minSamples: 100, maxRatio: 2 }, { kind: 'score_shift', minSamples: 100, maxDistance: 0.3 },
    { kind: 'quality', minSamples: 100, loss: 'squared_error', maxIncrease: 0.05, segments: true },
  ],
  segments: [{ name: 'hubs', entityRole: 'origin', entityIds: ['ATL'] }], falseRollbackRate: 0.05, consecutiveBreaches: 2, evaluateEverySeconds: 5, endsAfterSeconds: undefined,
  atEnd: 'promote', allowSignatureChange: false, outcome: { valueMicroUsd: { truePositive: 100, falsePositive: -30 } },
};

const SIGNATURE = JSON.stringify({ inputs: [], outputs: [], features: [], task: 'binary_classification', score: { output: 'p', index: 0, threshold: 0.6 } });

/** A rollout that is over, so that nobody decides about it, as the tables of a registry have it: revision 1 of no rollout, then one revision a step. */
export async function insertRollout(installed: Installation, spec: RolloutSpec = SPEC, steps = 2): Promise<void> {
  const versions = [1, 2].map((version) => `('${MODEL}', ${version}, 'd${version}', '${'a'.repeat(64)}', 1, '${SIGNATURE}', '{}', now())`).join(', ');
  const revisions = Array.from({ length: steps + 1 }, (_, index) => `('${MODEL}', ${index + 1}, '{}', 't', now())`).join(', ');
  const rows = Array.from({ length: steps }, (_, index) => `('${ROLLOUT}', ${index + 1}, '${MODEL}', ${index + 2}, now() - interval '${(steps - index) * 10} minutes')`).join(', ');
  await installed.sql(`
    INSERT INTO models (name, created_at) VALUES ('${MODEL}', now());
    INSERT INTO versions (model, version, upload_digest, artifact_sha256, size_bytes, signature, metadata, created_at) VALUES ${versions};
    INSERT INTO deployments (model, revision, assignment, author, decided_at) VALUES ${revisions};
    INSERT INTO rollouts (id, model, strategy, champion, candidate, spec, base, status, step, step_started_at, author, started_at, ended_at, conclusion)
      VALUES ('${ROLLOUT}', '${MODEL}', '${spec.strategy}', 1, 2, '${JSON.stringify(spec)}', '{}', 'promoted', ${steps}, now() - interval '10 minutes', 'ada', now() - interval '30 minutes', now(), 'every step has its minimums');
    INSERT INTO rollout_steps (rollout_id, step, model, revision, started_at) VALUES ${rows}`);
}
