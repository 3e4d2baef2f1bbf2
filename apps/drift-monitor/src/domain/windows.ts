/** What is counted, each in its own event time: answers, and outcomes joined to them. */
export type Stream = 'data' | 'quality';

/** What a window collects: `data` features and scores, `serving` times and fallbacks, `quality` outcomes. */
export type WindowKind = Stream | 'serving';

/** The windows that a stream fills; they are closed together. */
export const WINDOWS_OF: Readonly<Record<Stream, readonly WindowKind[]>> = { data: ['data', 'serving'], quality: ['quality'] };

export interface WindowKey {
  readonly kind: WindowKind;
  readonly model: string;
  /** Empty for `serving`, which is about the model. */
  readonly version: string;
  /** Event time, epoch milliseconds; a multiple of the window's length. */
  readonly startMs: number;
}

/** Tumbling windows are aligned to the epoch, so that a replay puts every event into the same one. */
export const windowStartMs = (eventTimeMs: number, lengthMs: number): number => Math.floor(eventTimeMs / lengthMs) * lengthMs;

/** The latest start of a window that is due: the newest event time has passed its end by the lateness, so that no event is expected for it any more. */
export const lastDueStartMs = (watermarkMs: number, lengthMs: number, latenessMs: number): number => watermarkMs - lengthMs - latenessMs;

/** Offsets of a topic's partitions, as the broker tells them. */
export interface PartitionEnd {
  readonly partition: number;
  readonly low: bigint;
  /** One past the last message. */
  readonly high: bigint;
  /** Next offset the group will read; what lies before has been counted. */
  readonly committed?: bigint | undefined;
}

/**
 * Whether everything that was in the topic at `then` has been counted. Partitions are read at their own pace, above all after an outage: the
 * newest event time of one says nothing about what still waits in another.
 */
export function isReadUntil(then: readonly PartitionEnd[], now: readonly PartitionEnd[]): boolean {
  const counted = new Map(now.map(({ partition, low, committed }) => [partition, committed ?? low]));
  return then.every(({ partition, high }) => (counted.get(partition) ?? 0n) >= high);
}
/** Groups items by the window they belong to. */
export function byWindow<T>(items: readonly T[], eventTimeMs: (item: T) => number, lengthMs: number): Map<number, T[]> {
  const groups = new Map<number, T[]>();
  for (const item of items) {
    const startMs = windowStartMs(eventTimeMs(item), lengthMs);
    const group = groups.get(startMs);
    if (group === undefined) groups.set(startMs, [item]);
    else group.push(item);
  }
  return groups;
}

/** Clocks differ a little; beyond this an event time is wrong, and one wrong event would close every window. */
const MAX_AHEAD_MS = 300_000;

/** Whether something claims to have happened after it was told. */
export const isFromTheFuture = (eventTimeMs: number, kafkaTimestampMs: number): boolean => eventTimeMs > kafkaTimestampMs + MAX_AHEAD_MS;
