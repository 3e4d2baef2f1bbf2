import type { Aggregate, FeatureScalar } from './definition.js';

/** A window is cut into this many buckets: memory a window, against at most 1/60 of its length in resolution. */
export const BUCKETS_PER_WINDOW = 60;

interface Bucket {
  readonly index: number;
  /** Events, or usable numbers if the series has a field. */
  count: number;
  sum: number;
  max: number;
  /** Event time of the newest event in the bucket, epoch milliseconds. */
  newestMs: number;
  last: FeatureScalar;
  /** Event time of `last`; older than `newestMs` when the newest event had no value. */
  lastMs: number;
}

/** JSON of a bucket: index, count, sum, max, newestMs and lastMs after the bucket's start (-1: none), last. */
export type BucketState = readonly [number, number, number, number | null, number, number, FeatureScalar];

/**
 * What a set of events of one name (and one of their fields) amounts to, in buckets of event time, for one length of window.
 *
 * The window at t covers the buckets that lie wholly after t - window, up to the one that t is in, which is left out if an event
 * later than t is already in it. So nothing outside (t - window, t] is ever counted, and what is missed lies within one bucket of
 * its ends. Buckets start at multiples of their width since the epoch, so the state depends on the set of events, not on their
 * order (sums of fractions up to rounding).
 */
export class Series {
  /** Ascending by index. */
  private buckets: Bucket[] = [];
  private readonly widthMs: number;
  private readonly span: number;

  constructor(
    private readonly field: string | undefined,
    private readonly windowMs: number,
  ) {
    this.widthMs = Math.ceil(windowMs / BUCKETS_PER_WINDOW);
    this.span = Math.floor(windowMs / this.widthMs);
  }

  add(values: Readonly<Record<string, FeatureScalar>> | undefined, occurredAtMs: number): void {
    const bucket = this.bucketAt(Math.floor(occurredAtMs / this.widthMs));
    bucket.newestMs = Math.max(bucket.newestMs, occurredAtMs);
    if (this.field === undefined) {
      bucket.count += 1;
      return;
    }
    const value = values?.[this.field] ?? null;
    if (value !== null && isNewer(occurredAtMs, value, bucket)) {
      bucket.last = value;
      bucket.lastMs = occurredAtMs;
    }
    const number = toNumber(value);
    if (number === undefined) return;
    bucket.count += 1;
    bucket.sum += number;
    bucket.max = Math.max(bucket.max, number);
  }

  /** The aggregate over the window that ends at `atMs`; `null` if empty and the aggregate has no natural zero. */
  read(aggregate: Aggregate, atMs: number): FeatureScalar {
    const newest = Math.floor(atMs / this.widthMs);
    let count = 0;
    let sum = 0;
    let max = -Infinity;
    let last: FeatureScalar = null;
    for (const bucket of this.buckets) {
      if (bucket.index <= newest - this.span) continue;
      if (bucket.index > newest || bucket.newestMs > atMs) break;
      count += bucket.count;
      sum += bucket.sum;
      max = Math.max(max, bucket.max);
      last = bucket.last ?? last;
    }
    switch (aggregate) {
      case 'count': return count;
      case 'rate': return (count * 1000) / this.windowMs;
      case 'sum': return sum;
      case 'mean': return count === 0 ? null : sum / count;
      case 'max': return count === 0 ? null : max;
      case 'last': return last;
    }
  }

  /** Lets go of the buckets that no window ending at `atMs` or later can reach. */
  evict(atMs: number): void {
    const oldest = Math.floor(atMs / this.widthMs) - this.span + 1;
    const first = this.buckets[0];
    if (first === undefined || first.index >= oldest) return;
    this.buckets = this.buckets.filter((bucket) => bucket.index >= oldest);
  }

  /** Whether an event of this time could still be in a window that ends at `atMs` or later. */
  reaches(occurredAtMs: number, atMs: number): boolean {
    return Math.floor(occurredAtMs / this.widthMs) > Math.floor(atMs / this.widthMs) - this.span;
  }

  toState(): BucketState[] {
    return this.buckets.map((b) => {
      const startMs = b.index * this.widthMs;
      const lastMs = b.last === null ? -1 : b.lastMs - startMs;
      return [b.index, b.count, b.sum, b.max === -Infinity ? null : b.max, b.newestMs - startMs, lastMs, b.last];
    });
  }

  load(state: readonly BucketState[]): void {
    this.buckets = state.map(([index, count, sum, max, newest, lastOffset, last]) => {
      const startMs = index * this.widthMs;
      return { index, count, sum, max: max ?? -Infinity, newestMs: startMs + newest, last, lastMs: lastOffset < 0 ? -Infinity : startMs + lastOffset };
    });
  }

  private bucketAt(index: number): Bucket {
    let at = this.buckets.length;
    while (at > 0 && this.buckets[at - 1]!.index > index) at -= 1;
    const found = this.buckets[at - 1];
    if (found?.index === index) return found;
    const bucket: Bucket = { index, count: 0, sum: 0, max: -Infinity, newestMs: -Infinity, last: null, lastMs: -Infinity };
    this.buckets.splice(at, 0, bucket);
    return bucket;
  }
}

function isNewer(occurredAtMs: number, value: FeatureScalar, { last, lastMs }: Bucket): boolean {
  if (last === null || occurredAtMs > lastMs) return true;
  return occurredAtMs === lastMs && isGreater(value, last);
}

/** Any total order will do; numbers go by size, mixed types by the name of the type. */
function isGreater(a: FeatureScalar, b: FeatureScalar): boolean {
  if (typeof a === 'number' && typeof b === 'number') return a > b;
  return `${typeof a}:${String(a)}` > `${typeof b}:${String(b)}`;
}

function toNumber(value: FeatureScalar): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && /^-?\d{1,300}$/.test(value)) return Number(value);
  return undefined;
}
