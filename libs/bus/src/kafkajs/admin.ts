import { setTimeout } from 'node:timers/promises';
import { ContractError, TOPIC_NAMES, type TopicName, type WireMessage } from '@throughline/contracts';
import type { Admin, ITopicConfig, Kafka } from 'kafkajs';
import { scanOnce, type OpenReader } from '../consume/reader.js';
import type { Names } from '../names.js';
import type { BusAdmin, PartitionOffsets, StartOffsets } from '../port.js';
import { topicSettings } from '../topic-settings.js';
import { isOwnTopic, toTopic, type AnyTopic, type OwnTopic } from '../topics.js';
import { askedInstant } from '../asked-instant.js';

const REQUEST_TIMEOUT_MS = 30_000;
const LEADER_POLL_MS = 20;

export class KafkaJsAdmin implements BusAdmin {
  private readonly admin: Admin;
  private connected: Promise<void> | undefined;

  constructor(
    kafka: Kafka,
    private readonly names: Names,
    private readonly openReader: OpenReader,
  ) {
    this.admin = kafka.admin();
  }

  async createTopics(): Promise<{ created: TopicName[]; existing: TopicName[] }> {
    return this.call('create topics', async (admin) => {
      const there = new Set(await admin.listTopics());
      const missing = TOPIC_NAMES.filter((name) => !there.has(this.names.topic(name)));
      if (missing.length > 0) {
        await admin.createTopics({ topics: missing.map((name) => this.topicConfig(name)), waitForLeaders: false, timeout: REQUEST_TIMEOUT_MS });
        await this.waitForLeaders(admin, missing);
      }
      return { created: missing, existing: TOPIC_NAMES.filter((name) => !missing.includes(name)) };
    });
  }

  async ensureTopic(topic: OwnTopic): Promise<{ created: boolean }> {
    toTopic(topic);
    return this.call(`create ${topic}`, async (admin) => {
      if ((await admin.listTopics()).includes(this.names.topic(topic))) return { created: false };
      const created = await admin.createTopics({ topics: [this.topicConfig(topic)], waitForLeaders: false, timeout: REQUEST_TIMEOUT_MS });
      await this.waitForLeaders(admin, [topic]);
      return { created };
    });
  }

  async offsets(topic: AnyTopic, group?: string): Promise<PartitionOffsets[]> {
    return this.call('read offsets', async (admin) => {
      if (isOwnTopic(topic)) await this.requireThere(admin, topic);
      const [ends, committed] = await Promise.all([
        admin.fetchTopicOffsets(this.names.topic(topic)),
        group === undefined ? undefined : this.committed(admin, topic, group),
      ]);
      return ends
        .map(({ partition, low, high }) => {
          const offset = committed?.get(partition);
          return { partition, low: BigInt(low), high: BigInt(high), ...(offset === undefined ? {} : { committed: offset }) };
        })
        .sort((a, b) => a.partition - b.partition);
    });
  }

  async offsetsAt(topic: AnyTopic, timestampMs: number): Promise<ReadonlyMap<number, bigint>> {
    return this.call('read offsets', async (admin) => {
      if (isOwnTopic(topic)) await this.requireThere(admin, topic);
      const found = await admin.fetchTopicOffsetsByTimestamp(this.names.topic(topic), askedInstant(timestampMs));
      return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]));
    });
  }

  async scan(topic: AnyTopic, onMessages: (messages: readonly WireMessage[]) => void | Promise<void>, from?: StartOffsets): Promise<void> {
    await scanOnce(this.openReader, { topic, ends: await this.offsets(topic), from, onMessages });
  }

  async ping(): Promise<void> {
    await this.call('ping', (admin) => admin.describeCluster());
  }

  async close(): Promise<void> {
    if (this.connected !== undefined) await this.admin.disconnect();
  }

  private topicConfig(name: AnyTopic): ITopicConfig {
    const { partitions, configs } = topicSettings(name);
    return { topic: this.names.topic(name), numPartitions: partitions, replicationFactor: -1, configEntries: [...configs] };
  }

  /**
   * Until every partition answers as its leader: whoever sends earlier gets some partitions refused, and kafkajs then sends to all of them
   * again. kafkajs's own wait gives up at the first broker that has not heard of the topic.
   */
  private async waitForLeaders(admin: Admin, names: readonly AnyTopic[]): Promise<void> {
    for (const deadlineMs = Date.now() + REQUEST_TIMEOUT_MS; ;) {
      try {
        await Promise.all(names.map((name) => admin.fetchTopicOffsets(this.names.topic(name))));
        return;
      } catch (error) {
        if (Date.now() > deadlineMs) throw error;
        await setTimeout(LEADER_POLL_MS);
      }
    }
  }

  /** kafkajs would look for it for ten seconds, in case that it is about to be made. */
  private async requireThere(admin: Admin, topic: AnyTopic): Promise<void> {
    if (!(await admin.listTopics()).includes(this.names.topic(topic))) throw new ContractError('not_found', `there is no topic ${topic}`);
  }

  private async committed(admin: Admin, topic: AnyTopic, group: string): Promise<Map<number, bigint>> {
    const [answer] = await admin.fetchOffsets({ groupId: this.names.group(group, topic), topics: [this.names.topic(topic)] });
    const known = (answer?.partitions ?? []).filter(({ offset }) => offset !== '-1');
    return new Map(known.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  private async call<R>(what: string, work: (admin: Admin) => Promise<R>): Promise<R> {
    try {
      this.connected ??= this.admin.connect().catch((error: unknown) => {
        this.connected = undefined;
        throw error;
      });
      await this.connected;
      return await work(this.admin);
    } catch (error) {
      if (error instanceof ContractError) throw error;
      throw new ContractError('unavailable', `Kafka could not ${what}: ${(error as Error).message}`, { cause: error });
    }
  }
}
