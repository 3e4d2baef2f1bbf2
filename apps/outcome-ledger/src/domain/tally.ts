import type { Spending } from '../costs/domain/spending.js';

/** What is counted, so that the books can be read without counting rows. */
export type Measure =
  | 'scored'
  | 'fallback'
  | 'rejected'
  | 'shadowed'
  /** Predictions whose outcome is known. */
  | 'joined'
  /** Of these, those whose outcome is assumed: none came within the model's maturity. */
  | 'assumed'
  /** Outcome records kept. */
  | 'outcomes'
  /** Copies of outcome records that were known already. */
  | 'duplicate_outcomes'
  /** Outcome records whose prediction has not been seen. */
  | 'unmatched'
  /** Outcome records about requests that were rejected. */
  | 'outcomes_of_rejected'
  /** Outcome records whose prediction had been dropped for its age when they came, or never came. */
  | 'outcomes_expired';

export interface Count {
  readonly model: string;
  readonly version: string;
  readonly role: string;
  readonly measure: Measure;
  readonly count: number;
}

/** What a transaction puts into the books at its end. */
export type BookEntry = Count | Spending;

/** A rejected request names any version it likes, also one longer than PostgreSQL can index; it is counted under its beginning. */
const VERSION_MAX_CHARACTERS = 200;

/** Outcomes without a prediction belong to no model. */
export const countOf = (measure: Measure, count: number, of: { model?: string; version?: string | undefined; role?: string | undefined } = {}): Count => ({
  model: of.model ?? '', version: of.version?.slice(0, VERSION_MAX_CHARACTERS) ?? '', role: of.role ?? '', measure, count,
});

/** One count a key, zeros left out, sorted: every transaction then locks the rows of the tally in the same order. */
export function sumOfCounts(counts: readonly Count[]): Count[] {
  const sums = new Map<string, Count>();
  for (const one of counts) {
    const key = JSON.stringify([one.model, one.version, one.role, one.measure]);
    sums.set(key, { ...one, count: one.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums].filter(([, { count }]) => count !== 0).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}
