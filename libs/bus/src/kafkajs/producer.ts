import type { ICustomPartitioner, Kafka, Message, Producer, TopicMessages } from 'kafkajs';
import type { Names } from '../names.js';
import type { OutgoingMessage } from '../port.js';
import { murmur2 } from '../produce/murmur2.js';
import type { ProducerClient } from '../produce/patient-producer.js';

const ALL_IN_SYNC_REPLICAS = -1;
/** kafkajs repeats protocol errors and calls a refused connection final; so the patience is ours. */
const CLIENT_RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 3 };
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** Chooses as kafkajs's and Java's own partitioner does, for messages that have a key as all of ours; kafkajs hashes with its own class of longs. */
const createPartitioner: ICustomPartitioner =
  () =>
  ({ partitionMetadata, message: { key } }) =>
    murmur2(Buffer.isBuffer(key) ? key : Buffer.from(key ?? '')) % partitionMetadata.length;

/** Sends by kafkajs. Connects on first use. */
export class KafkaJsProducerClient implements ProducerClient {
  private readonly producer: Producer;

  constructor(
    kafka: Kafka,
    private readonly names: Names,
  ) {
    this.producer = kafka.producer({
      allowAutoTopicCreation: false,
      // kafkajs can lose acknowledged messages when idempotent: a failed produce reuses its sequence number.
      idempotent: false,
      createPartitioner,
      retry: CLIENT_RETRY,
    });
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    await this.producer.connect();
    await this.producer.sendBatch({ acks: ALL_IN_SYNC_REPLICAS, topicMessages: this.byTopic(messages) });
  }

  isTooLarge(error: unknown): boolean {
    for (let cause = error; cause instanceof Error; cause = cause.cause) if (TOO_LARGE.has(String((cause as Error & { type?: unknown }).type))) return true;
    return false;
  }

  disconnect(): Promise<void> {
    return this.producer.disconnect();
  }

  private byTopic(messages: readonly OutgoingMessage[]): TopicMessages[] {
    const topics = new Map<OutgoingMessage['topic'], Message[]>();
    for (const { topic, key, value, headers } of messages) {
      const record: Message = headers === undefined ? { key, value } : { key, value, headers };
      const records = topics.get(topic);
      if (records === undefined) topics.set(topic, [record]);
      else records.push(record);
    }
    return Array.from(topics, ([topic, records]) => ({ topic: this.names.topic(topic), messages: records }));
  }
}
