/** By how many seconds an outcome may have become true after it was received: as far as clocks differ. */
export const FUTURE_TOLERANCE_SECONDS = Symbol('outcome-ledger.future-tolerance-seconds');
