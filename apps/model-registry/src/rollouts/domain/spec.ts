import type { OutcomeDeclaration, Strategy } from '@throughline/contracts';

/** One stage of a rollout. It lasts until every one of its minimums is reached. */
export interface Step {
  /** Of the traffic that the candidate answers, 0 to 1. */
  readonly share: number;
  readonly minSeconds: number;
  /** Answers of the candidate (of a shadow: its comparisons). */
  readonly minPredictions: number;
  /** Joined outcomes of the candidate. */
  readonly minOutcomes: number;
}

export const GUARD_KINDS = ['error_rate', 'p99_latency', 'fallback_rate', 'score_shift', 'quality', 'business_value'] as const;
export type GuardKind = (typeof GUARD_KINDS)[number];

/** How wrong an answer was: not the true class; (score − outcome)²; |score − outcome|. */
export const LOSSES = ['wrong', 'squared_error', 'absolute_error'] as const;
export type Loss = (typeof LOSSES)[number];

interface GuardBase {
  /** Below it, of either arm, the guard has no verdict. */
  readonly minSamples: number;
}

/** What must stay true while a rollout runs. Differences are candidate minus champion. */
export type Guard =
  | (GuardBase & { readonly kind: 'error_rate' | 'fallback_rate'; /** Of all answers. */ readonly maxIncrease: number; /** Whatever the champion has. */ readonly max?: number | undefined })
  | (GuardBase & { readonly kind: 'p99_latency'; /** Of the champion's p99. */ readonly maxRatio?: number | undefined; readonly maxMs?: number | undefined })
  | (GuardBase & { readonly kind: 'score_shift'; /** Kolmogorov-Smirnov distance of the two score distributions, 0 to 1; significance is asked for besides. */ readonly maxDistance: number })
  | (GuardBase & { readonly kind: 'quality'; readonly loss: Loss; /** Of the mean loss. */ readonly maxIncrease: number; /** Also in every declared segment. */ readonly segments: boolean })
  | (GuardBase & { readonly kind: 'business_value'; /** Of the mean value of a prediction, in millionths of a dollar. */ readonly maxLossMicroUsd: number });

/** A part of the traffic in which quality is watched apart: predictions whose entity of this role is one of these. */
export interface Segment {
  readonly name: string;
  readonly entityRole: string;
  readonly entityIds: readonly string[];
}

export interface RolloutSpec {
  readonly strategy: Strategy;
  readonly candidate: number;
  readonly steps: readonly Step[];
  readonly guards: readonly Guard[];
  readonly segments: readonly Segment[];
  /** Chance that all guards together ever roll an equal candidate back, at most; however often they look. */
  readonly falseRollbackRate: number;
  /** Evaluations in a row, each with new data, that must find a breach. */
  readonly consecutiveBreaches: number;
  readonly evaluateEverySeconds: number;
  /** Shadow and A/B end then; a canary or blue-green that is not through by then is rolled back. */
  readonly endsAfterSeconds: number | undefined;
  /** What happens when the last step is through. */
  readonly atEnd: 'promote' | 'promote_if_better' | 'report';
  readonly allowSignatureChange: boolean;
  /** As the model declared it when the rollout began. */
  readonly outcome: OutcomeDeclaration | undefined;
}
