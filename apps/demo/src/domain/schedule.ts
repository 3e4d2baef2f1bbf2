const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const at = (instant: string): number => Date.parse(instant);

/**
 * Which flights do what. Cuts lie at 08:00 UTC, three in the morning in New York and midnight in Los Angeles, when hardly anything flies; the replay starts
 * two hours later, so that a short demo is not spent on an empty sky.
 */
export const SCHEDULE = {
  trainFromMs: at('2001-01-01T08:00Z'),
  /** Held-out metrics are of the flights from here on. */
  holdOutFromMs: at('2001-01-22T08:00Z'),
  trainToMs: at('2001-01-29T08:00Z'),
  replayFromMs: at('2001-01-29T10:00Z'),
  /** After the last departure in the file. */
  replayToMs: at('2001-07-02T00:00Z'),
  /** Before the first minute of the replay the feature store is given the events of this long. */
  warmUpMs: 24 * HOUR_MS,
  /**
   * How far back a replay that goes on must read: for the landings of flights that left before, and for airports whose last event is so long ago that
   * their values are still served.
   */
  lookBackMs: 2 * DAY_MS,
} as const;

/** Flights of the first day are not trained on: many airports have not had an event yet, which later happens no more. */
export const FIRST_DAY_MS = DAY_MS;
