/** By how many seconds an outcome may have become true after it was received: as far as clocks differ. */
export const FUTURE_TOLERANCE_SECONDS = Symbol('outcome-ledger.future-tolerance-seconds');

/** Milliseconds between two rounds of looking for predictions that have matured. */
export const MATURITY_SWEEP_MS = Symbol('outcome-ledger.maturity-sweep-ms');
