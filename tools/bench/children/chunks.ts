import { Consumer, Producer, type Message as StreamMessage } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from '../setup/worker.ts';

export interface Consumed {
  readonly key: Buffer | null;
  readonly value: Buffer;
  readonly offset: string;
  readonly partition: number;
  /** Kafka's own, epoch milliseconds. */
  readonly timestampMs: number;
  readonly headers: Record<string, Buffer | undefined>;
}

export interface Produced {
  readonly key: Buffer | null;
  readonly value: Buffer | string;
  readonly headers?: Record<string, Buffer | string>;
}

export interface ChunkOptions {
  readonly client: Client;
  readonly brokers: string;
  readonly group: string;
  readonly from: string;
  readonly to: string;
}

/** Messages of one send: what kafkajs and a broker like best. */
const CHUNK = 500;
const MAX_WAIT_MS = 5;
const MAX_WAITING = 4 * CHUNK;

export const optionsOf = <T>(): T => JSON.parse(process.argv[2]!) as T;

/** Consumes a topic from its beginning in chunks and publishes what `work` makes of each, acks=all, nothing committed; says that it is ready. */
export async function answerInChunks(options: ChunkOptions, work: (chunk: readonly Consumed[]) => Promise<Produced[]>): Promise<void> {
  await (options.client === 'kafkajs' ? withKafkajs(options, work) : withPlatformatic(options, work));
  process.send?.('ready');
}

async function withKafkajs({ brokers, group, from, to }: ChunkOptions, work: (chunk: readonly Consumed[]) => Promise<Produced[]>): Promise<void> {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ idempotent: false });
  const consumer = kafka.consumer({ groupId: group, maxWaitTimeInMs: MAX_WAIT_MS });
  consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
    if (!restart) throw error;
  });
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topics: [from], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
      for (let start = 0; start < batch.messages.length; start += CHUNK) {
        const chunk = batch.messages.slice(start, start + CHUNK);
        const messages = await work(chunk.map(({ key, value, offset, timestamp, headers }) => ({ key, value: value!, offset, partition: batch.partition, timestampMs: Number(timestamp), headers: (headers ?? {}) as Consumed['headers'] })));
        await producer.send({ topic: to, acks: -1, messages });
        resolveOffset(chunk.at(-1)!.offset);
        await heartbeat();
      }
    },
  });
}

async function withPlatformatic({ brokers, group, from, to }: ChunkOptions, work: (chunk: readonly Consumed[]) => Promise<Produced[]>): Promise<void> {
  const connection = { clientId: 'bench', bootstrapBrokers: brokers.split(',') };
  const producer = new Producer<Buffer, Buffer, string, Buffer | string>({ ...connection, serializers: { headerKey: (name) => Buffer.from(name!), headerValue: (value) => bytesOf(value!) } });
  const consumer = new Consumer({ ...connection, groupId: group, maxWaitTime: MAX_WAIT_MS, minBytes: 1, autocommit: false });
  const stream = await consumer.consume({ topics: [from], mode: 'earliest', autocommit: false });
  const waiting: ByteMessage[] = [];
  let isWorking = false;
  stream.on('data', (message) => {
    waiting.push(message);
    if (waiting.length >= MAX_WAITING) stream.pause();
    if (!isWorking) void answerWaiting();
  });

  async function answerWaiting(): Promise<void> {
    isWorking = true;
    // What else the fetch brought is handed over first.
    await nextTurn();
    while (waiting.length > 0) {
      const answers = await work(waiting.splice(0, CHUNK).map(consumedOf));
      stream.resume();
      await producer.send({ acks: -1, messages: answers.map(({ key, value, headers }) => ({ topic: to, key: key!, value: bytesOf(value!), ...(headers && { headers }) })) });
    }
    isWorking = false;
  }
}

const bytesOf = (value: Buffer | string): Buffer => (typeof value === 'string' ? Buffer.from(value) : value);

type ByteMessage = StreamMessage<Buffer, Buffer, Buffer, Buffer>;

const consumedOf = ({ key, value, offset, partition, timestamp, headers }: ByteMessage): Consumed => ({
  key, value, offset: String(offset), partition, timestampMs: Number(timestamp),
  headers: Object.fromEntries([...headers].map(([name, content]) => [name.toString(), content])),
});
