/**
 * What is wrong with `flights-3m.parquet`, and what is done about it. Measured on all 3,000,000 rows; a test recounts
 * the rows moved and dropped.
 *
 * What the columns mean. `delay` is the arrival delay against the schedule. `date` is the **actual** departure, on the
 * origin's wall clock: its minutes crowd before the full and half hour, where early departures fall, not on them as
 * a timetable's would. But its day is the **scheduled** day of the flight: the last stamp is midnight at the end of 30 June,
 * while the first hour of 1 January already holds flights two hours late, and how many late flights are stamped with the small
 * hours of a day goes with the delays of the evening that follows (correlation 0.88), not of the one before (0.35).
 *
 * - **A day too early** (7,276 rows, moved by 24 hours). A flight due to leave on the evening of the 1st that left at 00:30 on
 *   the 2nd is stamped 00:30 on the 1st. Left alone it would tell the model of tonight's storm twenty hours ahead. A row is
 *   moved when stamp minus delay, roughly its scheduled departure, lies before 00:20 of the stamped day. Departure and arrival
 *   delay differ by some ten minutes either way, and so about 700 of the night flights that are due between 00:00 and
 *   00:30 are moved in error: a day too late, which leaks nothing.
 * - **A day too late** (25 rows, dropped). The reverse: the night flight from Phoenix to Detroit, due just after midnight, left a little
 *   before and is stamped 23:57 of the day it should have left on; its delay is a day too long as well (1,403 to 1,447 minutes). Dropped: a
 *   stamp from 23:30 to 24:00 with a delay of 1,380 minutes or more.
 * - **Impossibly early** (3 rows, dropped). Delays of -1,116, -953 and -212 minutes; the next is -87. The first two are a
 *   clock that wrapped (they were 324 and 487 late). Dropped: less than -90.
 * - Other delays of most of a day and more (up to 1,688 minutes; 22 of at least 1,200) are kept: single flights on many routes, in
 *   which no pattern of the clock shows.
 * - Nothing is missing; no flight has its origin as destination; each route has one distance.
 * - 191 rows repeat an earlier one in every column. They are kept: 7,892 share minute and route with an earlier one, and two delays
 *   agree by chance in 1.9 % of pairs, so that some 150 such coincidences are to be expected. There is no flight number.
 * - The clocks went forward on 1 April: one departure is stamped in the hour that was skipped, and counts as an hour on.
 */
export interface CleaningReport {
  rowsRead: number;
  rowsKept: number;
  /** Of those kept, how many left a day later than stamped. */
  movedToNextDay: number;
  droppedDayTooLate: number;
  droppedImpossiblyEarly: number;
}

export type CleanedStamp = { departedWallMs: number; movedToNextDay: boolean } | { dropped: 'dayTooLate' | 'impossiblyEarly' };

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;
const EARLIEST_ARRIVAL_MINUTES = -90;
const WRAPPED_DELAY_MINUTES = 1380;
const LATE_EVENING_MINUTE = 23 * 60 + 30;
const SCHEDULED_EVENING_BEFORE_MINUTES = 20;

/** Applies the rules above to one row; `stampMs` is its wall-clock stamp as if it were UTC. */
export function cleanStamp(stampMs: number, delayMinutes: number): CleanedStamp {
  if (delayMinutes < EARLIEST_ARRIVAL_MINUTES) return { dropped: 'impossiblyEarly' };
  const minuteOfDay = Math.floor(stampMs / MINUTE_MS) % DAY_MINUTES;
  // A stamp of 00:00 is 24:00 in the source, and already belongs to the day that begins.
  const aroundMidnight = minuteOfDay === 0 || minuteOfDay >= LATE_EVENING_MINUTE;
  if (aroundMidnight && delayMinutes >= WRAPPED_DELAY_MINUTES) return { dropped: 'dayTooLate' };
  const movedToNextDay = minuteOfDay !== 0 && minuteOfDay - delayMinutes < SCHEDULED_EVENING_BEFORE_MINUTES;
  return { departedWallMs: movedToNextDay ? stampMs + DAY_MINUTES * MINUTE_MS : stampMs, movedToNextDay };
}

export function emptyReport(): CleaningReport {
  return { rowsRead: 0, rowsKept: 0, movedToNextDay: 0, droppedDayTooLate: 0, droppedImpossiblyEarly: 0 };
}
