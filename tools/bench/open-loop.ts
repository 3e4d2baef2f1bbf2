import { build, type Histogram } from 'hdr-histogram-js';
import type { Kafka } from 'kafkajs';

export interface Latency {
  readonly sent: number;
  readonly received: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export interface OpenLoop {
  readonly kafka: Kafka;
  readonly requestTopic: string;
  readonly resultTopic: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** Value of request number i; its trace context carries the number through. */
  readonly value: (index: number) => string;
  readonly headers: Record<string, string>;
}

/** The number of a request travels in its trace id, which every worker hands on. */
const traceOf = (index: number): string => `00-${(index + 1).toString(16).padStart(32, '0')}-00000000000000aa-00`;
const indexOf = (traceparent: string): number => Number.parseInt(traceparent.slice(3, 35), 16) - 1;

/**
 * Open-loop load: requests leave on a fixed schedule whatever the answers do, and latency counts from when a request should have left
 * (so a stall is charged to everyone it delayed: no coordinated omission).
 */
export async function openLoop({ kafka, requestTopic, resultTopic, ratePerSecond, seconds, value, headers }: OpenLoop): Promise<Latency> {
  const total = ratePerSecond * seconds;
  const histogram: Histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000, numberOfSignificantValueDigits: 3 });
  const producer = kafka.producer({ idempotent: false });
  const consumer = kafka.consumer({ groupId: `open-loop-${process.pid}-${performance.now()}`, maxWaitTimeInMs: 5 });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topics: [resultTopic], fromBeginning: false });

  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  let received = 0;
  let startMs = Number.POSITIVE_INFINITY;
  let done: () => void = () => {};
  const allReceived = new Promise<void>((resolve) => (done = resolve));
  const warmUp = ratePerSecond;
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const nowMs = performance.now();
      for (const message of batch.messages) {
        const index = indexOf(String(message.headers?.['traceparent'] ?? ''));
        if (!Number.isInteger(index) || index < 0 || index >= total) continue;
        received += 1;
        if (index >= warmUp) histogram.recordValue(Math.max(1, Math.round((nowMs - startMs - (index * 1000) / ratePerSecond) * 1000)));
      }
      if (received >= total) done();
    },
  });
  await joined;

  startMs = performance.now() + 200;
  const inFlight = new Set<Promise<unknown>>();
  for (let index = 0; index < total; ) {
    const due = Math.min(total, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000) + 1);
    if (due > index) {
      const messages = Array.from({ length: due - index }, (_, offset) => ({
        key: String(index + offset), value: value(index + offset), headers: { ...headers, traceparent: traceOf(index + offset) },
      }));
      index = due;
      const send = producer.send({ topic: requestTopic, acks: 1, messages });
      inFlight.add(send);
      void send.finally(() => inFlight.delete(send));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(inFlight);
  await Promise.race([allReceived, new Promise((resolve) => setTimeout(resolve, 15_000))]);
  await Promise.all([producer.disconnect(), consumer.disconnect()]);
  const at = (percentile: number): number => histogram.getValueAtPercentile(percentile) / 1000;
  return { sent: total, received, p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9) };
}
