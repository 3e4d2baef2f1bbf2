import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/** Polls until `condition` holds; false when it still does not at the deadline. For states of other processes that send no event. */
export async function eventually(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
