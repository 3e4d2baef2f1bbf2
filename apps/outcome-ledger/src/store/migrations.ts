import { Ledger1763700000000 } from './migrations/1-ledger.js';
import { Explained1764300000000 } from './migrations/2-explained.js';

/** In the order of the times at the end of their names. */
export const LEDGER_MIGRATIONS = [Ledger1763700000000, Explained1764300000000];
