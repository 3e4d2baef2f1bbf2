/** A partition's ends, and up to where a group has committed it. */
export interface PartitionReading {
  readonly topic: string;
  readonly partition: number;
  readonly low: number;
  /** One past the last message. */
  readonly high: number;
  /** Next offset the group will read; absent while it has committed nothing. */
  readonly committed: number | undefined;
}

/** What Kafka said at one time. Answers and their ends were read after the workers' positions. */
export interface Reading {
  /** Topics of requests, with the workers' group. */
  readonly requests: readonly PartitionReading[];
  /** Topics of answers, with the ledger's group. */
  readonly answers: readonly PartitionReading[];
  /** Topics of outcomes, with the ledger's group. */
  readonly outcomes: readonly PartitionReading[];
}

/** Offsets by `topic/partition`. */
export type Offsets = ReadonlyMap<string, number>;

/**
 * Workers commit a request once its answer is acknowledged. So when the ledger has taken in everything that stood on the topics of answers after the
 * workers' positions were read, every request below these positions is in the ledger, or lost.
 */
export interface Checkpoint {
  readonly answered: Offsets;
  /** Ends of the topics of answers. */
  readonly answersEnd: Offsets;
}

/** How far requests are settled, and the checkpoint that will settle more. */
export interface Settling {
  readonly settled: Offsets;
  readonly pending: Checkpoint | undefined;
}

export const NOTHING_SETTLED: Settling = { settled: new Map(), pending: undefined };

/** Of a partition: `topic/partition`. */
export const keyOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string => `${topic}/${partition}`;
const committedOf = ({ low, committed }: PartitionReading): number => Math.max(low, committed ?? low);
const offsets = (partitions: readonly PartitionReading[], of: (one: PartitionReading) => number): Offsets => new Map(partitions.map((one) => [keyOf(one), of(one)]));
const reached = (positions: Offsets, ends: Offsets): boolean => [...ends].every(([partition, end]) => (positions.get(partition) ?? 0) >= end);

/** What a reading settles. A checkpoint stands still until it is reached, so traffic that goes on does not keep it out of reach. */
export function settle({ settled, pending }: Settling, { requests, answers }: Reading): Settling {
  const recorded = offsets(answers, committedOf);
  const fresh: Checkpoint = { answered: offsets(requests, committedOf), answersEnd: offsets(answers, ({ high }) => high) };
  if (reached(recorded, fresh.answersEnd)) return { settled: fresh.answered, pending: undefined };
  if (pending !== undefined && reached(recorded, pending.answersEnd)) return { settled: pending.answered, pending: fresh };
  return { settled, pending: pending ?? fresh };
}

/** A partition as the books see it: what lies below `settled` must be covered, what lies above may still be on its way. */
export interface PartitionBounds {
  readonly topic: string;
  readonly partition: number;
  /** Where Kafka, or what the books know of it, begins. */
  readonly low: number;
  readonly settled: number;
  readonly high: number;
}

/**
 * Bounds of every partition. Of answers and outcomes the ledger itself says what it is done with.
 *
 * @param openings by `topic/partition`: what lies below came before there were books of it
 */
export function boundsOf({ requests, answers, outcomes }: Reading, { settled }: Settling, openings: Offsets): PartitionBounds[] {
  const within = (one: PartitionReading, at: number): PartitionBounds => {
    const low = Math.min(one.high, Math.max(one.low, openings.get(keyOf(one)) ?? 0));
    return { topic: one.topic, partition: one.partition, low, settled: Math.min(one.high, Math.max(low, at)), high: one.high };
  };
  return [...requests.map((one) => within(one, settled.get(keyOf(one)) ?? one.low)), ...[...answers, ...outcomes].map((one) => within(one, committedOf(one)))];
}
