/** Brokers give numbers below zero meanings of their own; before 1970 there is no message, so that the first one is meant. Whole milliseconds. */
export const askedInstant = (timestampMs: number): number => Math.max(0, Math.floor(timestampMs));
