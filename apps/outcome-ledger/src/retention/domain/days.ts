import { dayOf } from '../../domain/prediction.js';

const DAY_MS = 86_400_000;

/** The oldest day (UTC, `YYYY-MM-DD`) of which rows are still taken in. */
export const oldestDayKept = (nowMs: number, retentionDays: number): string => dayOf(nowMs - retentionDays * DAY_MS);

/** Why a row is not taken in: its day has left the ledger, or is about to. `undefined` where it is kept. @param retentionDays 0 where everything is */
export function tooOld({ day }: { readonly day: string }, nowMs: number, retentionDays: number): string | undefined {
  if (retentionDays === 0 || day >= oldestDayKept(nowMs, retentionDays)) return undefined;
  return `data.requestedAt is processing time and lies more than ${retentionDays} days back, before what the ledger keeps`;
}

/**
 * Whether the partitions of a day may go. A whole day after its rows have stopped being taken in: by then no instance, whatever its clock, still writes there.
 */
export const isDue = (day: string, nowMs: number, retentionDays: number): boolean => day < oldestDayKept(nowMs - DAY_MS, retentionDays);

/** Keys and outcomes of predictions of earlier days are forgotten. */
export const oldestDayKnown = (nowMs: number, retentionDays: number, expiredDays: number): string => dayOf(nowMs - (retentionDays + expiredDays + 1) * DAY_MS);

/** Outcomes without a prediction that were written down earlier are forgotten. */
export const oldestUnmatchedMs = (nowMs: number, retentionDays: number): number => nowMs - retentionDays * DAY_MS;
