const POLL_MS = 100;

/**
 * Waits until `check` is true, for as long as `withinMs`.
 *
 * @returns whether it came true in time; false also when `signal` is aborted
 */
export async function eventually(check: () => boolean | Promise<boolean>, withinMs: number, signal: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (!signal.aborted) {
    if (await check()) return true;
    if (performance.now() >= endMs) return false;
    await pause(POLL_MS, signal);
  }
  return false;
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
