import type { ChildProcess } from 'node:child_process';
import type { Admin } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSecondsOf } from './processes.ts';

export interface Throughput {
  readonly messagesPerSecond: number;
  /** CPU microseconds of the measured process for each message. */
  readonly cpuMicrosPerMessage: number;
}

const highWatermark = async (admin: Admin, topic: string): Promise<number> =>
  (await admin.fetchTopicOffsets(topic)).reduce((sum, { high }) => sum + Number(high), 0);

/**
 * Watches a topic that was made for this run grow from outside, the same way for whoever fills it: from the moment it has passed the first tenth
 * (group joined, code warm) until all `count` messages stand there.
 */
export async function throughputOf(process_: ChildProcess, admin: Admin, topic: string, count: number, timeoutMs = 120_000): Promise<Throughput> {
  const deadline = performance.now() + timeoutMs;
  let first: { atMs: number; messages: number; cpuSeconds: number } | undefined;
  for (;;) {
    const messages = await highWatermark(admin, topic);
    const now = { atMs: performance.now(), messages, cpuSeconds: cpuSecondsOf(process_.pid!) };
    if (first === undefined && messages >= count / 10) first = now;
    if (messages >= count && first !== undefined && first.messages < messages) {
      const measured = messages - first.messages;
      return {
        messagesPerSecond: measured / ((now.atMs - first.atMs) / 1000),
        cpuMicrosPerMessage: ((now.cpuSeconds - first.cpuSeconds) / measured) * 1e6,
      };
    }
    if (now.atMs > deadline) throw new Error(`${topic}: ${messages} of ${count} messages after ${timeoutMs} ms`);
    await delay(20);
  }
}
