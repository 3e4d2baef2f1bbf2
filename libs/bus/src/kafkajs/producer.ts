import { ContractError } from '@throughline/contracts';
import { METRICS, observableGauge } from '@throughline/telemetry';
import kafkajs, { type Kafka, type Message, type Producer, type TopicMessages } from 'kafkajs';
import { addPerTopic, busMetrics } from '../metrics.js';
import { MicroBatcher } from '../produce/micro-batcher.js';
import type { BusProducer, OutgoingMessage } from '../port.js';
import type { Names } from './names.js';

const ALL_IN_SYNC_REPLICAS = -1;
/** About 30 s of retries; longer outages are `unavailable`, and the caller decides. */
const RETRY = { initialRetryTime: 50, maxRetryTime: 2_000, retries: 18 };

/** The producer of the port. Connects on first use. */
export class KafkaProducer implements BusProducer {
  private readonly producer: Producer;
  private readonly batcher: MicroBatcher;
  private readonly stopObserving: (() => void)[];
  private connected: Promise<void> | undefined;

  constructor(kafka: Kafka, private readonly names: Names) {
    this.producer = kafka.producer({
      allowAutoTopicCreation: false,
      // kafkajs can lose acknowledged messages when idempotent: a failed produce reuses its sequence number.
      idempotent: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: RETRY,
    });
    this.batcher = new MicroBatcher({ sendBatch: (messages) => this.sendBatch(messages) });
    this.stopObserving = [
      observableGauge(METRICS.producerPendingMessages, () => this.pending.messages),
      observableGauge(METRICS.producerPendingBytes, () => this.pending.bytes),
    ];
  }

  get pending(): { messages: number; bytes: number } {
    return this.batcher.pending;
  }

  send(message: OutgoingMessage): Promise<void> {
    return this.batcher.send(message);
  }

  sendAll(messages: readonly OutgoingMessage[]): Promise<void> {
    return this.batcher.sendAll(messages);
  }

  flush(): Promise<void> {
    return this.batcher.flush();
  }

  async close(): Promise<void> {
    await this.batcher.flush();
    for (const stop of this.stopObserving) stop();
    if (this.connected !== undefined) await this.producer.disconnect();
  }

  private async sendBatch(messages: readonly OutgoingMessage[]): Promise<void> {
    const startedMs = performance.now();
    try {
      await this.connect();
      await this.producer.sendBatch({ acks: ALL_IN_SYNC_REPLICAS, topicMessages: this.byTopic(messages) });
      busMetrics.produceSeconds.record((performance.now() - startedMs) / 1_000);
      addPerTopic(busMetrics.produced, messages);
    } catch (error) {
      addPerTopic(busMetrics.produceFailures, messages);
      throw new ContractError('unavailable', `Kafka did not acknowledge ${messages.length} messages: ${(error as Error).message}`, { cause: error });
    }
  }

  private connect(): Promise<void> {
    this.connected ??= this.producer.connect().catch((error: unknown) => {
      this.connected = undefined;
      throw error;
    });
    return this.connected;
  }

  private byTopic(messages: readonly OutgoingMessage[]): TopicMessages[] {
    const topics = new Map<string, Message[]>();
    for (const { topic, key, value, headers } of messages) {
      const name = this.names.topic(topic);
      const record: Message = headers === undefined ? { key, value } : { key, value, headers };
      const records = topics.get(name);
      if (records === undefined) topics.set(name, [record]);
      else records.push(record);
    }
    return Array.from(topics, ([topic, records]) => ({ topic, messages: records }));
  }
}
