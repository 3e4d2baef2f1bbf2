import { Cron } from 'croner';

/** When a model is retrained, by the calendar. */
export interface Schedule {
  /** Minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** Of the IANA database; UTC by default. */
  readonly timeZone?: string | undefined;
}

/**
 * The first time after an instant; what the clocks skip in spring comes when they have gone forward, what they repeat in autumn comes once.
 *
 * @param afterMs epoch milliseconds
 * @returns epoch milliseconds; undefined for a schedule that never comes, such as 30 February
 * @throws Error for what is no schedule
 */
export function nextDueMs({ cron, timeZone = 'UTC' }: Schedule, afterMs: number): number | undefined {
  return new Cron(cron, { mode: '5-part', timezone: timeZone, paused: true }).nextRun(new Date(afterMs))?.getTime();
}

/** Any instant shows whether a schedule ever comes: the calendar repeats itself. */
const SOME_INSTANT_MS = Date.UTC(2026, 0, 1);

/** What is wrong with a schedule; undefined if nothing is. */
export function scheduleProblem(schedule: Schedule): string | undefined {
  if (!isTimeZone(schedule.timeZone)) return `schedule.timeZone “${schedule.timeZone}” is not known: take a name of the IANA database, such as Europe/Berlin`;
  try {
    return nextDueMs(schedule, SOME_INSTANT_MS) === undefined ? `schedule.cron “${schedule.cron}” never comes` : undefined;
  } catch (error) {
    return `schedule.cron “${schedule.cron}” cannot be read: ${(error as Error).message.replace(/^CronPattern: /, '')}`;
  }
}

function isTimeZone(timeZone = 'UTC'): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }) !== undefined;
  } catch {
    return false;
  }
}
