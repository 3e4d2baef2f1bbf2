import { Consumer, Producer, type Message as StreamMessage } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { once } from 'node:events';
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
  void (async () => {
    for (;;) {
      const chunk = takeChunk(stream);
      if (chunk.length === 0) {
        await once(stream, 'readable');
        continue;
      }
      const answers = await work(chunk.map(consumedOf));
      await producer.send({ acks: -1, messages: answers.map(({ key, value, headers }) => ({ topic: to, key: key!, value: bytesOf(value!), ...(headers && { headers }) })) });
    }
  })();
}

const bytesOf = (value: Buffer | string): Buffer => (typeof value === 'string' ? Buffer.from(value) : value);

type ByteMessage = StreamMessage<Buffer, Buffer, Buffer, Buffer>;

function takeChunk(stream: { read(): unknown }): ByteMessage[] {
  const chunk: ByteMessage[] = [];
  while (chunk.length < CHUNK) {
    const message = stream.read() as ByteMessage | null;
    if (message === null) break;
    chunk.push(message);
  }
  return chunk;
}

const consumedOf = ({ key, value, offset, partition, timestamp, headers }: ByteMessage): Consumed => ({
  key, value, offset: String(offset), partition, timestampMs: Number(timestamp),
  headers: Object.fromEntries([...headers].map(([name, content]) => [name.toString(), content])),
});
