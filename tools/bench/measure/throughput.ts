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

export interface ThroughputOptions {
  /** Messages that stand in the topic already, put there by a process that is warm: then all of `count` is measured, from now on. */
  readonly before?: number;
  readonly timeoutMs?: number;
}

/**
 * Watches a topic grow from outside, the same way for whoever fills it: from the moment the first tenth has been passed
 * (group joined, code warm) until all `count` messages stand there.
 */
export async function throughputOf(process_: ChildProcess, admin: Admin, topic: string, count: number, { before, timeoutMs = 120_000 }: ThroughputOptions = {}): Promise<Throughput> {
  const deadlineMs = performance.now() + timeoutMs;
  let first = before === undefined ? undefined : { atMs: performance.now(), messages: 0, cpuSeconds: cpuSecondsOf(process_.pid!) };
  for (;;) {
    const messages = (await highWatermark(admin, topic)) - (before ?? 0);
    if (process_.exitCode !== null) throw new Error(`whoever fills ${topic} ended with ${process_.exitCode}`);
    const now = { atMs: performance.now(), messages, cpuSeconds: cpuSecondsOf(process_.pid!) };
    if (first === undefined && messages >= count / 10) first = now;
    if (messages >= count && first !== undefined && first.messages < messages) {
      const measured = messages - first.messages;
      return {
        messagesPerSecond: measured / ((now.atMs - first.atMs) / 1000),
        cpuMicrosPerMessage: ((now.cpuSeconds - first.cpuSeconds) / measured) * 1e6,
      };
    }
    if (now.atMs > deadlineMs) throw new Error(`${topic}: ${messages} of ${count} messages after ${timeoutMs} ms`);
    await delay(20);
  }
}
