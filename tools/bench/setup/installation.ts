import { encodeEvent, TOPICS, type EventData, type TopicName } from '@throughline/contracts';
import type { ModelDeployment } from '@throughline/contracts';
import { eventually } from '@throughline/local-stack';
import type { ITopicConfig, Producer } from 'kafkajs';
import type { Bench } from './bench.ts';
import { MODEL, type Message } from './requests.ts';

const LOG_APPEND_TIME = { name: 'message.timestamp.type', value: 'LogAppendTime' };

/** The topics of one tenant on the benchmark's broker, and further ones under the same prefix. */
export class Installation {
  private readonly topics = new Set<string>();
  private producer: Producer | undefined;

  private readonly bench: Bench;
  readonly prefix: string;

  private constructor(bench: Bench, prefix: string) {
    this.bench = bench;
    this.prefix = prefix;
  }

  static async create(bench: Bench, prefix: string): Promise<Installation> {
    const installation = new Installation(bench, prefix);
    const names = Object.keys(TOPICS) as TopicName[];
    await installation.createTopics(names.map((name) => ({ topic: name, numPartitions: TOPICS[name].partitions, configEntries: TOPICS[name].retention === 'compact' ? [{ name: 'cleanup.policy', value: 'compact' }] : [] })));
    return installation;
  }

  topic(name: TopicName | `bench.${string}`): string {
    return `${this.prefix}${name}`;
  }

  /** A topic of four partitions beside the contract's. */
  async extraTopic(name: `bench.${string}`): Promise<string> {
    await this.createTopics([{ topic: name, numPartitions: 4 }]);
    return this.topic(name);
  }

  async deploy(deployment: ModelDeployment): Promise<void> {
    await this.publish('model.deployment.v1', [{ key: MODEL, data: deployment }]);
  }

  async publish<T extends 'model.deployment.v1' | 'feature.updated.v1'>(topic: T, events: readonly { key: string; data: EventData<T> }[]): Promise<void> {
    const messages = events.map(({ key, data }, index) => ({ key, ...encodeEvent(topic, { id: `${Date.now()}-${index}`, source: '/bench', timeMs: Date.now(), data }) }));
    await (await this.connected()).send({ topic: this.topic(topic), acks: -1, messages });
  }

  /** Puts `count` messages into a topic before a measurement. */
  async fill(topic: string, count: number, message: (index: number) => Message | { key: string; value: Buffer }): Promise<void> {
    const producer = await this.connected();
    for (let start = 0; start < count; start += 500) {
      await producer.send({ topic, acks: 1, messages: Array.from({ length: Math.min(500, count - start) }, (_, offset) => message(start + offset)) });
    }
  }

  async messagesIn(topic: TopicName): Promise<number> {
    return (await this.bench.admin.fetchTopicOffsets(this.topic(topic))).reduce((sum, { high }) => sum + Number(high), 0);
  }

  /** Gives the disk back. */
  async remove(): Promise<void> {
    await this.producer?.disconnect();
    await this.bench.admin.deleteTopics({ topics: [...this.topics] });
  }

  private async createTopics(topics: readonly ITopicConfig[]): Promise<void> {
    const named = topics.map((config) => ({ ...config, topic: this.prefix + config.topic, configEntries: [LOG_APPEND_TIME, ...(config.configEntries ?? [])] }));
    // The client's own waiting gives up when a busy broker has not heard of the topics yet.
    await this.bench.admin.createTopics({ waitForLeaders: false, topics: named });
    if (!(await eventually(() => this.haveLeaders(named.map(({ topic }) => topic)), 15_000))) throw new Error(`the broker does not lead the topics of ${this.prefix} after 15 s`);
    for (const { topic } of named) this.topics.add(topic);
  }

  private async haveLeaders(topics: string[]): Promise<boolean> {
    // Metadata name a leader before the broker knows that it is one; whoever answers for offsets does.
    return Promise.all(topics.map((topic) => this.bench.admin.fetchTopicOffsets(topic))).then(() => true, () => false);
  }

  private async connected(): Promise<Producer> {
    if (this.producer === undefined) {
      this.producer = this.bench.kafka.producer({ idempotent: false });
      await this.producer.connect();
    }
    return this.producer;
  }
}
