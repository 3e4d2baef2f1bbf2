const POLL_MS = 100;

/**
 * Waits until `check` is true, for as long as `withinMs`; checks at least once.
 *
 * @returns whether it came true in time, and before `signal` was aborted
 */
export async function eventually(check: () => boolean | Promise<boolean>, withinMs: number, signal: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    if (await check()) return true;
    if (signal.aborted || performance.now() >= endMs) return false;
    await pause(POLL_MS, signal);
  }
}

/** Resolves after a while, or at once when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
