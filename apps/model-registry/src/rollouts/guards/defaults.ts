import type { Strategy } from '@throughline/contracts';
import type { Guard, RolloutSpec, Step } from '../domain/spec.js';

/** One in twenty rollouts of an equal candidate at most goes back for nothing; the sequences are conservative, so it is fewer (docs/registry.md has the measured rates). */
const FALSE_ROLLBACK_RATE = 0.05;

/** A second look with new data costs seconds and takes what a moment's burst brought back out of the figures. More would only delay a needed rollback. */
const CONSECUTIVE_BREACHES = 2;

/** Of the order of the delay with which evidence is counted; looking often costs no error. */
const EVALUATE_EVERY_SECONDS = 5;

/** One answer in a hundred more than the champion's: below it most callers' own retries hide it; from 200 samples on a candidate that fails one in ten is found. */
const MAX_ERROR_INCREASE = 0.01;

/** A p99 moves by a half from day to day on shared machines without any change of version; a graph that is too slow doubles it. The champion's p99 needs some two thousand answers to be known at all. */
const MAX_LATENCY_RATIO = 2;

/** A fifth of all answers on another side of some score: new calibration moves less, a wrong feature more. Models trained on another month differ by 0.05 to 0.1. */
const MAX_SCORE_DISTANCE = 0.2;

/** Of the squared error of a probability: a forecaster at 0.15 who becomes one at 0.16. Of a regression, in its own unit squared, it is as good as nothing: then an increase needs only to be sure. */
const MAX_LOSS_INCREASE = 0.01;

/** One cent a prediction. */
const MAX_VALUE_LOSS_MICRO_USD = 10_000;

const GUARDS: readonly Guard[] = [
  { kind: 'error_rate', minSamples: 200, maxIncrease: MAX_ERROR_INCREASE },
  { kind: 'fallback_rate', minSamples: 200, maxIncrease: MAX_ERROR_INCREASE },
  { kind: 'p99_latency', minSamples: 500, maxRatio: MAX_LATENCY_RATIO },
  { kind: 'score_shift', minSamples: 1000, maxDistance: MAX_SCORE_DISTANCE },
  { kind: 'quality', minSamples: 500, loss: 'squared_error', maxIncrease: MAX_LOSS_INCREASE, segments: true },
  { kind: 'business_value', minSamples: 500, maxLossMicroUsd: MAX_VALUE_LOSS_MICRO_USD },
];

/**
 * Five minutes see a cache warm up and a batch job pass; a thousand predictions find what fails one time in thirty, before five times as many keys meet it. No
 * outcomes are waited for, because they may come weeks later: a model whose outcomes come soon says `minOutcomes`.
 */
const WAIT = { minSeconds: 300, minPredictions: 1000, minOutcomes: 0 };
const CANARY: readonly Step[] = [0.01, 0.05, 0.25, 0.5, 1].map((share) => ({ share, ...WAIT }));
const ONE: Readonly<Record<Exclude<Strategy, 'canary'>, Step>> = {
  // It ends at its fixed time, whatever came by then. Halves make the difference surest.
  ab: { share: 0.5, minSeconds: 0, minPredictions: 0, minOutcomes: 0 },
  shadow: { share: 0, ...WAIT },
  blue_green: { share: 1, ...WAIT },
};

/** A rollout of which nothing is said but the strategy. Shadow and A/B only report at their end: whoever asks a question wants to see the answer. */
export const defaultSpec = (strategy: Strategy, candidate: number): RolloutSpec => ({
  strategy,
  candidate,
  steps: strategy === 'canary' ? CANARY : [ONE[strategy]],
  guards: GUARDS,
  segments: [],
  falseRollbackRate: FALSE_ROLLBACK_RATE,
  consecutiveBreaches: CONSECUTIVE_BREACHES,
  evaluateEverySeconds: EVALUATE_EVERY_SECONDS,
  endsAfterSeconds: undefined,
  atEnd: strategy === 'canary' || strategy === 'blue_green' ? 'promote' : 'report',
  allowSignatureChange: false,
  outcome: undefined,
});
