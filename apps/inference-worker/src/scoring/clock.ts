/** Time as a parameter: the wall for what is recorded, a steady watch for what is measured. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly nowMs: () => number;
  /** Milliseconds since some moment; never goes back. */
  readonly steadyMs: () => number;
}

export const systemClock: Clock = { nowMs: () => Date.now(), steadyMs: () => performance.now() };

const MILLISECONDS = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** Seconds whose text is kept: those of event times and processing times in a batch. */
const MAX_SECONDS = 64;

/** Writes RFC 3339 of epoch milliseconds; what is written together falls into few seconds, so the text of each is made once. */
export function instantWriter(): (ms: number) => string {
  const seconds = new Map<number, string>();
  return (ms) => {
    const second = Math.floor(ms / 1000);
    let text = seconds.get(second);
    if (text === undefined) {
      if (seconds.size >= MAX_SECONDS) seconds.clear();
      text = new Date(second * 1000).toISOString().slice(0, -4);
      seconds.set(second, text);
    }
    return text + MILLISECONDS[Math.floor(ms) - second * 1000]!;
  };
}
