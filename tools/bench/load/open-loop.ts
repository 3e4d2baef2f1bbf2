import type { Kafka, KafkaMessage } from 'kafkajs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Message } from '../setup/requests.ts';
import { percentilesOf, type Percentiles } from '../measure/statistics.ts';

export interface OpenLoopOptions {
  readonly kafka: Kafka;
  readonly requestTopic: string;
  readonly resultTopic: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly request: (index: number) => Message;
  /** Number of the request that an answer belongs to; by default the one in its trace id, which every worker hands on. */
  readonly indexOf?: (message: KafkaMessage) => number;
  /** Told of every answer. */
  readonly onAnswer?: (index: number, message: KafkaMessage) => void;
  /** What happens meanwhile; `at` resolves when so many seconds of the load have passed. */
  readonly meanwhile?: (at: (second: number) => Promise<void>) => Promise<void>;
  /** How long to wait for the last answers. */
  readonly patienceSeconds?: number;
}

/** After a stall the backlog leaves in several sends: one would be larger than a broker takes. */
const MAX_MESSAGES_OF_A_SEND = 400;

/** What became of each request, by its number. */
export class OpenLoopRun {
  /** From when the request should have left until its first answer was here; NaN without one. */
  readonly latencyMs: Float64Array;
  /** Copies of the answer. */
  readonly answers: Uint16Array;

  readonly ratePerSecond: number;
  readonly total: number;

  constructor(ratePerSecond: number, total: number) {
    this.ratePerSecond = ratePerSecond;
    this.total = total;

    this.latencyMs = new Float64Array(total).fill(Number.NaN);
    this.answers = new Uint16Array(total);
  }

  get answered(): number {
    return this.answers.reduce((sum, copies) => sum + (copies > 0 ? 1 : 0), 0);
  }

  get duplicates(): number {
    return this.answers.reduce((sum, copies) => sum + Math.max(0, copies - 1), 0);
  }

  /** Of the requests that should have left in this part of the load. */
  percentiles(fromSecond = 0, toSecond = Infinity): Percentiles {
    return percentilesOf(this.between(fromSecond, toSecond));
  }

  between(fromSecond: number, toSecond: number): Float64Array {
    return this.latencyMs.subarray(Math.round(fromSecond * this.ratePerSecond), Math.min(this.total, Math.round(toSecond * this.ratePerSecond)));
  }

  dueMs(index: number): number {
    return (index * 1000) / this.ratePerSecond;
  }
}

const traceOf = (index: number): string => `00-${(index + 1).toString(16).padStart(32, '0')}-00000000000000aa-00`;
const indexInTrace = ({ headers }: KafkaMessage): number => Number.parseInt(String(headers?.['traceparent'] ?? '').slice(3, 35), 16) - 1;

/**
 * Open-loop load: requests leave on a fixed schedule whatever the answers do, and latency counts from when a request should have left
 * (so a stall is charged to everyone it delayed: no coordinated omission).
 */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopRun> {
  const { kafka, requestTopic, resultTopic, ratePerSecond, seconds, request, indexOf = indexInTrace, onAnswer, meanwhile, patienceSeconds = 30 } = options;
  const run = new OpenLoopRun(ratePerSecond, ratePerSecond * seconds);
  const producer = kafka.producer({ idempotent: false });
  const consumer = kafka.consumer({ groupId: `open-loop-${process.pid}-${performance.now()}`, maxWaitTimeInMs: 100 });
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topics: [resultTopic], fromBeginning: true });
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  const allAnswered = Promise.withResolvers<void>();
  let startMs = Number.POSITIVE_INFINITY;
  let answered = 0;
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const nowMs = performance.now() - startMs;
      for (const message of batch.messages) {
        const index = indexOf(message);
        if (!(index >= 0 && index < run.total)) continue;
        onAnswer?.(index, message);
        run.answers[index]!++;
        if (run.answers[index]! > 1) continue;
        run.latencyMs[index] = nowMs - run.dueMs(index);
        if (++answered === run.total) allAnswered.resolve();
      }
    },
  });
  await joined;
  startMs = performance.now() + 200;
  const at = (second: number): Promise<void> => delay(Math.max(0, startMs + second * 1000 - performance.now()));
  await Promise.all([meanwhile?.(at), send()]);
  await Promise.race([allAnswered.promise, delay(patienceSeconds * 1000, undefined, { ref: false })]);
  await Promise.all([producer.disconnect(), consumer.disconnect()]);
  return run;

  async function send(): Promise<void> {
    const inFlight = new Set<Promise<unknown>>();
    let failure: unknown;
    for (let index = 0; index < run.total; ) {
      const due = Math.min(run.total, index + MAX_MESSAGES_OF_A_SEND, Math.floor(((performance.now() - startMs) * ratePerSecond) / 1000) + 1);
      if (due > index) {
        const messages = Array.from({ length: due - index }, (_, offset) => {
          const { key, value, headers } = request(index + offset);
          return { key, value, headers: { ...headers, traceparent: traceOf(index + offset) } };
        });
        index = due;
        const sending = producer.send({ topic: requestTopic, acks: 1, messages }).catch((error: unknown) => (failure = error)).finally(() => inFlight.delete(sending));
        inFlight.add(sending);
      }
      await delay(1);
    }
    await Promise.all(inFlight);
    if (failure !== undefined) throw failure;
  }
}
