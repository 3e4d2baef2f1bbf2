/** Which stories are worth keeping, told when their outcome is known. An absent limit keeps nothing. */
export interface KeepingPolicy {
  readonly wrong: boolean;
  /** Score minus outcome, its size: at or above it is wrong, for models that estimate instead of decide. */
  readonly errorAtLeast: number | undefined;
  readonly fallback: boolean;
  /** What it earned, at or below; losses are negative. */
  readonly valueAtMostMicroUsd: number | undefined;
  /** What it cost to compute, at or above. */
  readonly costAtLeastMicroUsd: number | undefined;
  /** An alert of the model counts as open for so long; 0: never. */
  readonly alertWindowMs: number;
  /** Of the rest, one in so many; 0: none. */
  readonly oneIn: number;
}

/** What the decision needs of a join. */
export interface Judged {
  readonly predictionId: string;
  readonly correct: boolean | undefined;
  readonly error: number | undefined;
  readonly isFallback: boolean;
  readonly valueMicroUsd: number | undefined;
  readonly costMicroUsd: number | undefined;
  readonly correction: boolean;
  /** When the model's last alert was raised, epoch milliseconds. */
  readonly alertedAtMs: number | undefined;
}

export type Reason = 'wrong' | 'costly' | 'fallback' | 'alerting' | 'corrected' | 'one_in_n';

/**
 * Why the story of a prediction that nobody sampled is worth keeping; `undefined` when it is not. A truth that changed is kept always: what
 * was told before it may be in the backend.
 */
export function worthKeeping(policy: KeepingPolicy, judged: Judged, nowMs: number): Reason | undefined {
  if (isWrong(policy, judged)) return 'wrong';
  if (isCostly(policy, judged)) return 'costly';
  if (policy.fallback && judged.isFallback) return 'fallback';
  if (isAlerting(policy, judged, nowMs)) return 'alerting';
  if (judged.correction) return 'corrected';
  return isChosen(policy, judged) ? 'one_in_n' : undefined;
}

const isWrong = ({ wrong, errorAtLeast }: KeepingPolicy, { correct, error }: Judged): boolean =>
  (wrong && correct === false) || (errorAtLeast !== undefined && error !== undefined && Math.abs(error) >= errorAtLeast);

const isCostly = ({ valueAtMostMicroUsd, costAtLeastMicroUsd }: KeepingPolicy, { valueMicroUsd, costMicroUsd }: Judged): boolean =>
  (valueAtMostMicroUsd !== undefined && valueMicroUsd !== undefined && valueMicroUsd <= valueAtMostMicroUsd)
  || (costAtLeastMicroUsd !== undefined && costMicroUsd !== undefined && costMicroUsd >= costAtLeastMicroUsd);

const isAlerting = ({ alertWindowMs }: KeepingPolicy, { alertedAtMs }: Judged, nowMs: number): boolean => alertedAtMs !== undefined && alertWindowMs > 0 && nowMs - alertedAtMs <= alertWindowMs;

/** By the id, which is a hash or random: the same prediction is chosen by every ledger and every time. */
const isChosen = ({ oneIn }: KeepingPolicy, { predictionId }: Judged): boolean => oneIn > 0 && Number.parseInt(predictionId.slice(0, 8), 16) % oneIn === 0;
