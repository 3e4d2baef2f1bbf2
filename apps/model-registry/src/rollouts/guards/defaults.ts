import type { Strategy } from '@throughline/contracts';
import type { Guard, RolloutSpec, Step } from '../domain/spec.js';

const GUARDS: readonly Guard[] = [
  { kind: 'error_rate', minSamples: 200, maxIncrease: 0.01 },
  { kind: 'fallback_rate', minSamples: 200, maxIncrease: 0.01 },
  { kind: 'p99_latency', minSamples: 500, maxRatio: 2 },
  { kind: 'score_shift', minSamples: 1000, maxDistance: 0.2 },
  { kind: 'quality', minSamples: 500, loss: 'squared_error', maxIncrease: 0.01, segments: true },
];

const CANARY: readonly Step[] = [0.01, 0.05, 0.25, 0.5, 1].map((share) => ({ share, minSeconds: 300, minPredictions: 1000, minOutcomes: 0 }));
const ONE: Readonly<Record<Exclude<Strategy, 'canary'>, Step>> = {
  ab: { share: 0.5, minSeconds: 0, minPredictions: 0, minOutcomes: 0 },
  shadow: { share: 0, minSeconds: 300, minPredictions: 1000, minOutcomes: 0 },
  blue_green: { share: 1, minSeconds: 300, minPredictions: 1000, minOutcomes: 0 },
};

/** A rollout of which nothing is said but the strategy. */
export const defaultSpec = (strategy: Strategy, candidate: number): RolloutSpec => ({
  strategy, candidate, steps: strategy === 'canary' ? CANARY : [ONE[strategy]], guards: GUARDS, segments: [],
  falseRollbackRate: 0.05, consecutiveBreaches: 2, evaluateEverySeconds: 5, endsAfterSeconds: undefined,
  atEnd: strategy === 'canary' || strategy === 'blue_green' ? 'promote' : 'report', allowSignatureChange: false, outcome: undefined,
});
