export interface Flight {
  /** Unique and stable: route, stamp and row of the file. */
  flightKey: string;
  /** When it left, in epoch milliseconds. This is the moment of the prediction. */
  departedMs: number;
  /** When it landed, in epoch milliseconds; derived, see `typicalBlockMinutes`. */
  landedMs: number;
  originId: string;
  destinationId: string;
  distanceMiles: number;
  /** Minute of the day on the clock of the origin when it left, 0 to 1439. */
  departedMinuteOfDay: number;
  /** Day of the week there, 1 (Monday) to 7. */
  departedWeekday: number;
  /** Arrival against the schedule. Known when it has landed, and no sooner. */
  delayMinutes: number;
  /** Arrived more than 15 minutes late: the label. */
  late: boolean;
}

export const LATE_AFTER_MINUTES = 15;

/**
 * Minutes from gate to gate for a distance: half an hour for taxiing, climb and approach, and 460 miles an hour between. The file
 * has no arrival time, and its stamp is the actual departure, in which the wait at the gate is already contained; so a
 * landing is the departure plus this. Adding the delay would count most of it twice.
 */
export function typicalBlockMinutes(distanceMiles: number): number {
  return Math.round(30 + (distanceMiles / 460) * 60);
}
