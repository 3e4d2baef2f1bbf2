import { setTimeout } from 'node:timers/promises';

const STEP_MS = 20;

/**
 * Polls until `probe` gives something other than undefined or false: the last resort, for what cannot be awaited, such as the state of another process.
 * A probe that throws counts as one that has found nothing yet.
 *
 * @throws Error that names what was waited for; its cause is what the last probe threw
 */
export async function eventually<R>(what: string, probe: () => R | undefined | false | Promise<R | undefined | false>, timeoutMs = 60_000): Promise<R> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    let cause: unknown;
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`, { cause });
    await setTimeout(STEP_MS);
  }
}
