const FIRST_DELAY_MS = 50;
const MAX_DELAY_MS = 5_000;

/** Delay before the next attempt: doubles from 50 ms to 5 s, with a jitter of ±20 %. `random` is in [0, 1). */
export function backoffMs(attempt: number, random: number): number {
  const base = Math.min(FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 20), MAX_DELAY_MS);
  return Math.round(base * (0.8 + 0.4 * random));
}

/** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
export function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}
