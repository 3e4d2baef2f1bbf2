/** How far a partition of `feature.observed` has been applied; written in the transaction that applies it. */
export interface Progress {
  /** The next offset to apply. */
  readonly nextOffset: bigint;
  /** Kafka's timestamp of the last applied message, epoch milliseconds. */
  readonly lastTimestampMs: number;
}

interface Positioned {
  readonly message: { readonly offset: string; readonly timestampMs: number };
}

/**
 * Kafka stamps a partition's messages in rising order (`LogAppendTime`). A message below the next offset that is this much younger
 * than the last applied one cannot be a redelivery: the topic was made anew and counts from 0 again. The margin covers brokers' clocks.
 */
const RECREATED_AFTER_MS = 60_000;

/** Whether an already passed offset belongs to a topic that was deleted and made anew, so that progress starts over. */
export function isRecreated(progress: Progress | undefined, { message }: Positioned): boolean {
  if (progress === undefined || BigInt(message.offset) >= progress.nextOffset) return false;
  return message.timestampMs > progress.lastTimestampMs + RECREATED_AFTER_MS;
}

/** The messages of a batch (in the order of the partition) that have not been applied yet. */
export function notYetApplied<M extends Positioned>(progress: Progress | undefined, batch: readonly M[]): readonly M[] {
  const first = batch[0];
  if (progress === undefined || first === undefined || isRecreated(progress, first)) return batch;
  return batch.filter(({ message }) => BigInt(message.offset) >= progress.nextOffset);
}

/** Progress after a batch that is not empty. */
export function progressAfter(batch: readonly Positioned[]): Progress {
  const last = batch[batch.length - 1]!.message;
  return { nextOffset: BigInt(last.offset) + 1n, lastTimestampMs: last.timestampMs };
}
