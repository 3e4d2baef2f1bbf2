import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSecondsOf, residentBytesOf } from './processes.ts';

export interface Growth {
  readonly perSecond: number;
  /** CPU microseconds of the watched process for each. */
  readonly cpuMicrosEach: number;
  /** Most that its resident set was, bytes. */
  readonly peakBytes: number;
}

const POLL_MS = 50;

/**
 * Watches a count grow from outside: from the moment the first tenth has been passed (group joined, code warm) until all are there.
 *
 * @param read the count; cheap, as it is asked twenty times a second
 */
export async function growthOf(child: ChildProcess, read: () => Promise<number>, count: number, timeoutMs: number): Promise<Growth> {
  const deadlineMs = performance.now() + timeoutMs;
  let first: { atMs: number; done: number; cpuSeconds: number } | undefined;
  let peakBytes = 0;
  for (;;) {
    const done = await read();
    if (child.exitCode !== null) throw new Error(`the process that was watched ended with ${child.exitCode}`);
    peakBytes = Math.max(peakBytes, residentBytesOf(child.pid!));
    const now = { atMs: performance.now(), done, cpuSeconds: cpuSecondsOf(child.pid!) };
    if (first === undefined && done >= count / 10) first = now;
    if (done >= count && first !== undefined && first.done < done) {
      const measured = done - first.done;
      return { perSecond: measured / ((now.atMs - first.atMs) / 1000), cpuMicrosEach: ((now.cpuSeconds - first.cpuSeconds) / measured) * 1e6, peakBytes };
    }
    if (now.atMs > deadlineMs) throw new Error(`${done} of ${count} after ${timeoutMs} ms`);
    await delay(POLL_MS);
  }
}
