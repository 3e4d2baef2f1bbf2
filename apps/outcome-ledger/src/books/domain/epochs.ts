import type { PartitionReading } from './positions.js';

/** A partition as the books saw it last. */
export interface SeenPartition {
  readonly topic: string;
  readonly partition: number;
  /** Counts how often its topic was made anew. */
  readonly epoch: number;
  /** What lies below was dealt with, or not, before anybody kept books of it; `undefined`: everything that is there. */
  readonly openedOffset: number | undefined;
  /** One past the last message, */
  readonly high: number;
  /** at this instant of the ledger's clock. */
  readonly seenAtMs: number;
}

/** The clocks of brokers and ledgers are no further apart. */
const CLOCKS_APART_MS = 10_000;

/**
 * Since when the first message of a partition must have come for its topic to be another one than was seen: deleted, and made anew under its name. `undefined`
 * where nothing of what was seen can be left, so that it does not matter. Kafka's own ids of topics are beyond what its client here asks for.
 *
 * An end that has gone back makes it likely; then messages count that came, by a clock that may be ahead, just before.
 */
export function suspiciousSinceMs(seen: SeenPartition, now: Pick<PartitionReading, 'low' | 'high'>): number | undefined {
  if (seen.high <= now.low) return undefined;
  return seen.seenAtMs + (now.high < seen.high ? -CLOCKS_APART_MS : CLOCKS_APART_MS);
}

/** @param first offset of the first message since then, or the partition's end: when it is the first of all, nothing of what was seen is there */
export const isMadeAnew = (now: Pick<PartitionReading, 'low'>, first: number): boolean => first <= now.low;
