/** Time as a parameter: the wall for what is recorded, a steady watch for what is measured. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since some moment; never goes back. */
  readonly steadyMs: () => number;
}

export const systemClock: Clock = { nowMs: () => Date.now(), steadyMs: () => performance.now() };

/** RFC 3339 of epoch milliseconds. Most messages of a batch share their millisecond, so the last text is kept. */
export function instantWriter(): (ms: number) => string {
  let lastMs = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms === lastMs) return text;
    lastMs = ms;
    text = new Date(ms).toISOString();
    return text;
  };
}
