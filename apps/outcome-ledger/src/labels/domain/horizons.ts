const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** After how long it is asked which share of labels was known, in seconds. */
export const HORIZON_SECONDS = [MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY] as const;

const STEPS_AN_OCTAVE = 8;
const LONGEST_OCTAVE = 26;

/**
 * Upper ends of the bins that delays are counted in, in seconds: eight an octave from one second to two years, so that a bin is 9 % wide, and every horizon is
 * the end of a bin, so that what is said of it is exact. Bins make the query's answer as small for ten million predictions as for ten.
 */
export const BIN_ENDS_SECONDS: readonly number[] = [...new Set([
  ...Array.from({ length: LONGEST_OCTAVE * STEPS_AN_OCTAVE + 1 }, (_, index) => 2 ** (index / STEPS_AN_OCTAVE)), ...HORIZON_SECONDS,
])].sort((a, b) => a - b);
