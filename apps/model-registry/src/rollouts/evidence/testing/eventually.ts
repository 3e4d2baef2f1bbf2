import { setTimeout } from 'node:timers/promises';

/** Polls until `probe` gives something other than undefined or false; the last resort where nothing can be awaited. */
export async function eventually<R>(what: string, probe: () => Promise<R | undefined | false>, timeoutMs = 30_000): Promise<R> {
  const deadlineMs = Date.now() + timeoutMs;
  for (;;) {
    const result = await probe();
    if (result !== undefined && result !== false) return result;
    if (Date.now() > deadlineMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await setTimeout(50);
  }
}
