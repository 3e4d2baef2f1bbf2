/** Summary of consecutive values: how many (a power of two), their sum and their summed squared deviation from their mean. */
interface Bucket {
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
}

export interface AdwinOptions {
  /** δ: chance of a false cut at one test. */
  readonly confidence: number;
  /** Tests only at every so many values: a test costs O(log W). */
  readonly clock: number;
  /** Buckets of one size before the two oldest become one of double size. */
  readonly bucketsPerSize: number;
  /** Least values on either side of a cut. */
  readonly minSide: number;
  /** No test while the window is not longer than this. */
  readonly grace: number;
}

/** Plain JSON; changed in place by `updateAdwin`. O(log W) buckets for a window of W values. */
export interface Adwin {
  readonly options: AdwinOptions;
  /** Values seen, for the clock. */
  seen: number;
  /** The window as a whole. */
  window: Bucket;
  /** Newest first, sizes never decreasing. */
  buckets: Bucket[];
}

const EMPTY: Bucket = { count: 0, sum: 0, squares: 0 };
const DEFAULTS: AdwinOptions = { confidence: 0.002, clock: 32, bucketsPerSize: 5, minSide: 5, grace: 10 };

/** Adaptive window: grows while the mean stands still, drops its old part when it moved. The input should lie in about [0, 1]. */
export function createAdwin(options: Partial<AdwinOptions> = {}): Adwin {
  return { options: { ...DEFAULTS, ...options }, seen: 0, window: EMPTY, buckets: [] };
}

/** Mean of the current window; NaN when it is empty. */
export const adwinMean = ({ window }: Adwin): number => window.sum / window.count;

/**
 * ADWIN: cuts the window wherever the means of its two parts differ by more than √(2rσ²L) + ⅔Lr, with L = ln(2·ln W/δ) and
 * r = 1/(n₀−4) + 1/(n₁−4), by dropping its oldest bucket until none do. Bifet and Gavaldà, Learning from Time-Changing Data with Adaptive Windowing, 2007.
 *
 * A change may be told again at later tests, while the rest of the old part goes. (River empties the window at a change instead.)
 *
 * @returns whether the window was cut
 */
export function updateAdwin(state: Adwin, value: number): boolean {
  const { clock, grace } = state.options;
  const one: Bucket = { count: 1, sum: value, squares: 0 };
  state.seen += 1;
  state.window = join(state.window, one);
  state.buckets.unshift(one);
  compress(state);
  if (state.seen % clock !== 0 || state.window.count <= grace) return false;
  let changed = false;
  while (hasCut(state)) {
    changed = true;
    dropOldest(state);
  }
  return changed;
}

/** Both together, by the parallel form of the variance. Chan, Golub and LeVeque, 1979. */
function join(a: Bucket, b: Bucket): Bucket {
  if (a.count === 0) return b;
  const difference = a.sum / a.count - b.sum / b.count;
  const count = a.count + b.count;
  return { count, sum: a.sum + b.sum, squares: a.squares + b.squares + (difference ** 2 * a.count * b.count) / count };
}

function compress({ buckets, options: { bucketsPerSize } }: Adwin): void {
  for (let start = 0; start < buckets.length; ) {
    const size = buckets[start]!.count;
    let end = start;
    while (buckets[end]?.count === size) end += 1;
    if (end - start <= bucketsPerSize) return;
    buckets.splice(end - 2, 2, join(buckets[end - 1]!, buckets[end - 2]!));
    start = end - 2;
  }
}

function dropOldest(state: Adwin): void {
  const oldest = state.buckets.pop()!;
  const count = state.window.count - oldest.count;
  const sum = state.window.sum - oldest.sum;
  const difference = oldest.sum / oldest.count - sum / count;
  state.window = { count, sum, squares: state.window.squares - oldest.squares - (difference ** 2 * oldest.count * count) / state.window.count };
}

function hasCut({ buckets, window, options: { confidence, minSide } }: Adwin): boolean {
  const variance = window.squares / window.count;
  const logarithm = Math.log((2 * Math.log(window.count)) / confidence);
  let [oldCount, oldSum] = [0, 0];
  for (let index = buckets.length - 1; index > 0; index--) {
    oldCount += buckets[index]!.count;
    oldSum += buckets[index]!.sum;
    const newCount = window.count - oldCount;
    if (newCount < minSide) return false;
    if (oldCount < minSide) continue;
    const reciprocal = 1 / (oldCount - minSide + 1) + 1 / (newCount - minSide + 1);
    const allowed = Math.sqrt(2 * reciprocal * variance * logarithm) + (2 / 3) * logarithm * reciprocal;
    if (Math.abs(oldSum / oldCount - (window.sum - oldSum) / newCount) > allowed) return true;
  }
  return false;
}
