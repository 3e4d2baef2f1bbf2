import { STAGES } from '@throughline/contracts';
import type { PredictionState } from '../../domain/prediction.js';

export const TIMED = [...STAGES, 'total'] as const;
export const OUTCOME_STATES = ['joined', 'pending', 'assumed'] as const;

/** Which predictions are meant; what is absent does not matter. */
export interface PredictionFilter {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  /** Event time of the request, from (inclusive) and to (exclusive), RFC 3339. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** So far back from the model's present in event time, such as `24h`. */
  readonly last?: string | undefined;
  /** `role:id`, or an id in any role. */
  readonly entity?: string | undefined;
  readonly routingKey?: string | undefined;
  readonly team?: string | undefined;
  readonly state?: PredictionState | undefined;
  /** Of the rejection. */
  readonly code?: string | undefined;
  /** Kind of the fallback that answered. */
  readonly fallback?: string | undefined;
  readonly role?: string | undefined;
  readonly lane?: string | undefined;
  /** `joined` includes those whose outcome is assumed. */
  readonly outcome?: (typeof OUTCOME_STATES)[number] | undefined;
  /** Whether the decision was wrong. */
  readonly wrong?: boolean | undefined;
  /** Least distance of the score from the outcome. */
  readonly minAbsError?: number | undefined;
  readonly minScore?: number | undefined;
  readonly maxScore?: number | undefined;
  /** What the decision was worth. */
  readonly minValueMicroUsd?: number | undefined;
  readonly maxValueMicroUsd?: number | undefined;
  readonly stage?: (typeof TIMED)[number] | undefined;
  /** Least time of `stage`, or of the whole. */
  readonly minStageMs?: number | undefined;
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Milliseconds of a duration such as `90m`, `24h`, `7d` or `2w`; `undefined` if it is none. */
export function durationMs(text: string): number | undefined {
  const match = /^(\d{1,6})\s?([mhdw])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}

/** Whom `entity` names: its part before the first colon is a role when rows have such a role, else all of it is the id. */
export function entityOf(text: string, roles: readonly string[]): { role: string | undefined; id: string } {
  const colon = text.indexOf(':');
  const role = text.slice(0, Math.max(colon, 0));
  return colon > 0 && roles.includes(role) ? { role, id: text.slice(colon + 1) } : { role: undefined, id: text };
}
