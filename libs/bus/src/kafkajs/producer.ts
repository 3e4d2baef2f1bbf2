import { ContractError } from '@throughline/contracts';
import { METRICS, observableGauge } from '@throughline/telemetry';
import kafkajs, { type Kafka, type Message, type Producer, type TopicMessages } from 'kafkajs';
import { backoffMs, pauseFor } from '../consume/backoff.js';
import { addPerTopic, busMetrics } from '../metrics.js';
import { MicroBatcher } from '../produce/micro-batcher.js';
import type { BusProducer, OutgoingMessage } from '../port.js';
import type { Names } from '../names.js';
import type { BusLogger } from '../settings.js';


const ALL_IN_SYNC_REPLICAS = -1;
/** A broker that restarts is back within this time; longer outages are `unavailable`, and the caller decides. */
export const DEFAULT_PATIENCE_MS = 30_000;
const PATIENCE_AT_SHUTDOWN_MS = 5_000;
/** kafkajs repeats protocol errors and calls a refused connection final; so the patience is ours. */
const CLIENT_RETRY = { initialRetryTime: 50, maxRetryTime: 500, retries: 3 };
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** The producer of the port. Connects on first use. */
export class KafkaJsProducer implements BusProducer {
  private readonly producer: Producer;
  private readonly batcher: MicroBatcher;
  private readonly stopObserving: (() => void)[];
  private readonly closing = new AbortController();

  constructor(
    kafka: Kafka,
    private readonly names: Names,
    private readonly logger: BusLogger,
    private readonly patienceMs = DEFAULT_PATIENCE_MS,
  ) {
    this.producer = kafka.producer({
      allowAutoTopicCreation: false,
      // kafkajs can lose acknowledged messages when idempotent: a failed produce reuses its sequence number.
      idempotent: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      retry: CLIENT_RETRY,
    });
    this.batcher = new MicroBatcher({ sendBatch: (messages) => this.sendPatiently(messages) });
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
    this.closing.abort();
    await this.batcher.flush();
    for (const stop of this.stopObserving) stop();
    await this.producer.disconnect();
  }

  private async sendPatiently(messages: readonly OutgoingMessage[]): Promise<void> {
    const topicMessages = this.byTopic(messages);
    const startedMs = performance.now();
    for (let attempts = 1; ; attempts += 1) {
      try {
        await this.producer.connect();
        await this.producer.sendBatch({ acks: ALL_IN_SYNC_REPLICAS, topicMessages });
        busMetrics.produceSeconds.record((performance.now() - startedMs) / 1_000);
        addPerTopic(busMetrics.produced, messages);
        return;
      } catch (error) {
        const patienceMs = this.closing.signal.aborted ? PATIENCE_AT_SHUTDOWN_MS : this.patienceMs;
        const isFinal = isTooLarge(error) || performance.now() - startedMs > patienceMs;
        this.logger.warn({ messages: messages.length, attempts, reason: (error as Error).message, again: !isFinal }, 'the brokers did not acknowledge a batch');
        if (isFinal) throw this.givenUp(messages, error);
        await pauseFor(backoffMs(attempts, Math.random()), this.closing.signal);
      }
    }
  }

  private givenUp(messages: readonly OutgoingMessage[], error: unknown): ContractError {
    addPerTopic(busMetrics.produceFailures, messages);
    const reason = `Kafka did not acknowledge ${messages.length} messages: ${(error as Error).message}`;
    return new ContractError(isTooLarge(error) ? 'invalid_request' : 'unavailable', reason, { cause: error });
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

/** A broker whose limit is lower than ours: no patience makes the message smaller. */
function isTooLarge(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) if (TOO_LARGE.has(String((cause as Error & { type?: unknown }).type))) return true;
  return false;
}
