import type { WireMessage } from '@throughline/contracts';
import { deferred } from '../deferred.js';
import type { PartitionOffsets, StartOffsets } from '../port.js';
import type { AnyTopic } from '../topics.js';

export interface ReaderOptions {
  readonly topic: AnyTopic;
  readonly from?: StartOffsets | undefined;
  /** Called one partition at a time, in its order; the next messages of any partition wait for it. Must not reject. */
  readonly onMessages: (messages: readonly WireMessage[]) => Promise<void> | void;
  readonly onDead: (error: Error) => void;
}

/** Reads a whole topic, shares it with nobody, commits nothing. */
export interface Reader {
  start(): Promise<void>;
  /** Resolves when everything that was there at the start has been handed over. */
  readonly caughtUp: Promise<void>;
  /** Messages between what was handed over and the end of the topic, as last seen. */
  readonly lag: number;
  /** Resolves when nothing is handed over any more. Never rejects. */
  stop(): Promise<void>;
}

export type OpenReader = (options: ReaderOptions) => Reader;

interface Position {
  next: number;
  /** End of the partition as last seen. */
  high: number;
  /** End of the partition when the reading began. */
  target: number;
}

/** How far a reader has come in the partitions of its topic. */
export class ReadProgress {
  private readonly positions = new Map<number, Position>();
  private readonly reached = deferred();

  /** Begins at `from`, as far as the topic holds that. */
  begin(offsets: readonly PartitionOffsets[], from?: StartOffsets): void {
    for (const { partition, low, high } of offsets) {
      const next = Math.min(Math.max(Number(from?.get(partition) ?? low), Number(low)), Number(high));
      this.positions.set(partition, { next, high: Number(high), target: Number(high) });
    }
    this.checkReached();
  }

  /** Everything before `next` has been handed over; the partition ends at `high`. */
  moved(partition: number, next: number, high: number): void {
    const position = this.positions.get(partition);
    if (position === undefined) this.positions.set(partition, { next, high, target: 0 });
    else Object.assign(position, { next: Math.max(position.next, next), high });
    this.checkReached();
  }

  failed(error: Error): void {
    this.reached.reject(error);
  }

  /** The offset to hand over next. */
  next(partition: number): number {
    return this.positions.get(partition)?.next ?? 0;
  }

  get partitions(): number[] {
    return [...this.positions.keys()];
  }

  get caughtUp(): Promise<void> {
    return this.reached.promise;
  }

  get lag(): number {
    let sum = 0;
    for (const { next, high } of this.positions.values()) sum += Math.max(0, high - next);
    return sum;
  }

  private checkReached(): void {
    for (const { next, target } of this.positions.values()) if (next < target) return;
    this.reached.resolve();
  }
}

export interface Scan {
  readonly topic: AnyTopic;
  /** Where the partitions end; what comes later is not handed over. */
  readonly ends: readonly PartitionOffsets[];
  readonly from?: StartOffsets | undefined;
  readonly onMessages: (messages: readonly WireMessage[]) => void | Promise<void>;
}

/** Hands over a topic's present content once. Rejects with what `onMessages` throws, or when the reader dies. */
export async function scanOnce(open: OpenReader, { topic, ends, from, onMessages }: Scan): Promise<void> {
  if (ends.every(({ partition, low, high }) => low >= high || (from?.get(partition) ?? low) >= high)) return;
  const failed = deferred<never>();
  const endOf = new Map(ends.map(({ partition, high }) => [partition, Number(high)]));
  const reader = open({
    topic,
    from,
    onDead: failed.reject,
    onMessages: async (messages) => {
      const end = endOf.get(messages[0]!.partition) ?? 0;
      const present = messages.filter(({ offset }) => Number(offset) < end);
      try {
        if (present.length > 0) await onMessages(present);
      } catch (error) {
        failed.reject(error);
      }
    },
  });
  try {
    await reader.start();
    await Promise.race([reader.caughtUp, failed.promise]);
  } finally {
    await reader.stop();
  }
}
