import type { ErrorCode } from '@throughline/contracts';
import type { FallbackStep } from './assignment.js';

/** What keeps the version that was asked from answering, though nothing is wrong with the request. */
const RESCUABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'model_failed', 'model_not_ready', 'circuit_open', 'overloaded', 'feature_missing', 'unavailable',
  // A version that had left memory and does not come back.
  'not_found', 'artifact_hash_mismatch', 'artifact_load_failed', 'artifact_timeout', 'rules_invalid',
]);

/** A rejected request, as far as the choice of its fallback goes. */
export interface Plight<M> {
  readonly code: ErrorCode;
  /** The code is `deadline_exceeded` as a forecast: there is time left, but not for the version that was asked. */
  readonly isPredictedLate: boolean;
  /** The request names the version that it wants, and no other. */
  readonly isPinned: boolean;
  /** The version that was asked; absent where none was there to ask. */
  readonly asked: M | undefined;
  /** The request brought tensors, and by whose signature they are meant is not known. */
  readonly hasUnreadableTensors: boolean;
  /** Age of the last good answer for the routing key. */
  readonly rememberedAgeSeconds: number | undefined;
  /** Whether a version is known to be fast enough for the time that is left. */
  readonly isInTime: (served: M) => boolean;
}

/** Whether fallbacks may answer at all: never for bad input, nor for a version that the request insists on. */
export function isRescuable({ code, isPredictedLate, isPinned }: Pick<Plight<unknown>, 'code' | 'isPredictedLate' | 'isPinned'>): boolean {
  return !isPinned && (code === 'deadline_exceeded' ? isPredictedLate : RESCUABLE.has(code));
}

/** The fallbacks to try for a rejected request, in their order: those that could answer it as things stand. */
export function fallbackPlan<M>(steps: readonly FallbackStep<M>[], plight: Plight<M>): FallbackStep<M>[] {
  return isRescuable(plight) ? steps.filter((step) => couldAnswer(step, plight)) : [];
}

function couldAnswer<M>({ fallback, served }: FallbackStep<M>, plight: Plight<M>): boolean {
  switch (fallback.kind) {
    case 'constant':
      return true;
    case 'last_known_good':
      return plight.rememberedAgeSeconds !== undefined && plight.rememberedAgeSeconds <= fallback.maxAgeSeconds;
    case 'rules':
    case 'previous_version':
      if (served === undefined || served === plight.asked || plight.hasUnreadableTensors) return false;
      return !plight.isPredictedLate || fallback.kind === 'rules' || plight.isInTime(served);
  }
}
