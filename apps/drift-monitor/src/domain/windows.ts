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
  /** Event time, epoch milliseconds. */
  readonly startMs: number;
}

/** How long windows are from an event time on, until the next. */
export interface WindowLength {
  readonly fromMs: number;
  readonly lengthMs: number;
}

/** One length, whatever the time. */
export const always = (lengthMs: number): WindowLength[] => [{ fromMs: -8.64e15, lengthMs }];

/** A stretch of event time. */
export interface Span {
  readonly startMs: number;
  readonly lengthMs: number;
}

/** Tumbling windows are aligned to the epoch, so that a replay puts every event into the same one; the first after a change of length is cut short for it. */
export function windowOf(eventTimeMs: number, lengths: readonly WindowLength[]): Span {
  const { fromMs, lengthMs } = lengths.findLast((one) => one.fromMs <= eventTimeMs) ?? lengths[0]!;
  const alignedMs = Math.floor(eventTimeMs / lengthMs) * lengthMs;
  const startMs = Math.max(alignedMs, fromMs);
  return { startMs, lengthMs: alignedMs + lengthMs - startMs };
}

/**
 * The lengths with `lengthMs` for windows that begin later than the one that event time has come to, so that no window breaks that something
 * was counted in; the same list when that is so already.
 */
export function followedBy(lengths: readonly WindowLength[], lengthMs: number, watermarkMs: number): readonly WindowLength[] {
  if (lengths.at(-1)?.lengthMs === lengthMs) return lengths;
  // A change that has not begun when the next one comes never begins.
  const begun = lengths.filter(({ fromMs }) => fromMs <= watermarkMs);
  if (begun.at(-1)?.lengthMs === lengthMs) return begun;
  const present = windowOf(watermarkMs, begun);
  return [...begun, { fromMs: present.startMs + present.lengthMs, lengthMs }];
}

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
export function byWindow<T>(items: readonly T[], eventTimeMs: (item: T) => number, lengths: readonly WindowLength[]): { readonly window: Span; readonly members: T[] }[] {
  const groups = new Map<number, { window: Span; members: T[] }>();
  for (const item of items) {
    const window = windowOf(eventTimeMs(item), lengths);
    const group = groups.get(window.startMs);
    if (group === undefined) groups.set(window.startMs, { window, members: [item] });
    else group.members.push(item);
  }
  return [...groups.values()];
}

/** Clocks differ a little; beyond this an event time is wrong, and one wrong event would close every window. */
const MAX_AHEAD_MS = 300_000;

/** Whether something claims to have happened after it was told. */
export const isFromTheFuture = (eventTimeMs: number, kafkaTimestampMs: number): boolean => eventTimeMs > kafkaTimestampMs + MAX_AHEAD_MS;
