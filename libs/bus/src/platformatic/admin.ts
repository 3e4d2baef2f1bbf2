import { setTimeout } from 'node:timers/promises';
import { ContractError, TOPIC_NAMES, type TopicName, type WireMessage } from '@throughline/contracts';
import type { Admin } from '@platformatic/kafka';
import { scanOnce, type OpenReader } from '../consume/reader.js';
import type { Names } from '../names.js';
import type { BusAdmin, PartitionOffsets, StartOffsets } from '../port.js';
import { topicSettings } from '../topic-settings.js';
import { isOwnTopic, toTopic, type AnyTopic, type OwnTopic } from '../topics.js';
import { library, type ClientOptions } from './client.js';
import { isBecause, reasonOf } from './errors.js';
import { askedInstant } from '../asked-instant.js';

/** Nothing here may not be repeated, other than in the rest of the adapter. */
const RETRY = { retries: 8, retryDelay: 250 };
const REQUEST_TIMEOUT_MS = 30_000;
const LEADER_POLL_MS = 20;
const EARLIEST = -2n;
const LATEST = -1n;

/** Connects on first use. */
export class PlatformaticAdmin implements BusAdmin {
  private readonly admin: Admin;

  constructor(
    client: ClientOptions,
    private readonly names: Names,
    private readonly openReader: OpenReader,
  ) {
    const { Admin } = library();
    this.admin = new Admin({ ...client, ...RETRY, timeout: REQUEST_TIMEOUT_MS });
  }

  async createTopics(): Promise<{ created: TopicName[]; existing: TopicName[] }> {
    return this.call('create topics', async () => {
      const there = new Set(await this.admin.listTopics());
      const missing = TOPIC_NAMES.filter((name) => !there.has(this.names.topic(name)));
      await Promise.all(missing.map((name) => this.create(name)));
      return { created: missing, existing: TOPIC_NAMES.filter((name) => !missing.includes(name)) };
    });
  }

  async ensureTopic(topic: OwnTopic): Promise<{ created: boolean }> {
    toTopic(topic);
    return this.call(`create ${topic}`, async () => {
      if (await this.isThere(topic)) return { created: false };
      return { created: await this.create(topic) };
    });
  }

  async offsets(topic: AnyTopic, group?: string): Promise<PartitionOffsets[]> {
    return this.call('read offsets', async () => {
      await this.requireThere(topic);
      const partitions = await this.partitionsOf(topic);
      const [low, high, committed] = await Promise.all([
        this.listOffsets(topic, partitions, EARLIEST),
        this.listOffsets(topic, partitions, LATEST),
        group === undefined ? undefined : this.committed(topic, group, partitions),
      ]);
      return partitions.map((partition) => {
        const offset = committed?.get(partition);
        return { partition, low: low.get(partition) ?? 0n, high: high.get(partition) ?? 0n, ...(offset === undefined ? {} : { committed: offset }) };
      });
    });
  }

  async offsetsAt(topic: AnyTopic, timestampMs: number): Promise<ReadonlyMap<number, bigint>> {
    return this.call('read offsets', async () => {
      await this.requireThere(topic);
      const partitions = await this.partitionsOf(topic);
      // The end first: what comes in between is then later than the timestamp or before the end.
      const ends = await this.listOffsets(topic, partitions, LATEST);
      const found = await this.listOffsets(topic, partitions, BigInt(askedInstant(timestampMs)));
      return new Map(partitions.map((partition) => [partition, firstOf(found.get(partition)) ?? ends.get(partition) ?? 0n]));
    });
  }

  async scan(topic: AnyTopic, onMessages: (messages: readonly WireMessage[]) => void | Promise<void>, from?: StartOffsets): Promise<void> {
    await scanOnce(this.openReader, { topic, ends: await this.offsets(topic), from, onMessages });
  }

  async ping(): Promise<void> {
    await this.call('ping', () => this.admin.metadata({ topics: [], forceUpdate: true }));
  }

  close(): Promise<void> {
    return this.admin.close();
  }

  /** Whether it was not there before. */
  private async create(topic: AnyTopic): Promise<boolean> {
    const { partitions, configs } = topicSettings(topic);
    const name = this.names.topic(topic);
    let isNew = true;
    try {
      await this.admin.createTopics({ topics: [name], partitions, replicas: -1, configs: [...configs] });
    } catch (error) {
      if (!isBecause(error, 'TOPIC_ALREADY_EXISTS')) throw error;
      isNew = false;
    }
    await this.waitForLeaders(topic);
    return isNew;
  }

  /** Whoever sends before every partition has a leader is refused. */
  private async waitForLeaders(topic: AnyTopic): Promise<void> {
    for (const deadlineMs = Date.now() + REQUEST_TIMEOUT_MS; ;) {
      try {
        await this.listOffsets(topic, await this.partitionsOf(topic), LATEST);
        return;
      } catch (error) {
        if (Date.now() > deadlineMs) throw error;
        await setTimeout(LEADER_POLL_MS);
      }
    }
  }

  private async requireThere(topic: AnyTopic): Promise<void> {
    if (isOwnTopic(topic) && !(await this.isThere(topic))) throw new ContractError('not_found', `there is no topic ${topic}`);
  }

  private async isThere(topic: AnyTopic): Promise<boolean> {
    return (await this.admin.listTopics()).includes(this.names.topic(topic));
  }

  private async partitionsOf(topic: AnyTopic): Promise<number[]> {
    const name = this.names.topic(topic);
    const { topics } = await this.admin.metadata({ topics: [name], forceUpdate: true });
    return Array.from({ length: topics.get(name)!.partitionsCount }, (_, partition) => partition);
  }

  private async listOffsets(topic: AnyTopic, partitions: readonly number[], timestamp: bigint): Promise<Map<number, bigint>> {
    const request = { name: this.names.topic(topic), partitions: partitions.map((partitionIndex) => ({ partitionIndex, timestamp })) };
    const [answer] = await this.admin.listOffsets({ topics: [request] });
    return new Map(answer!.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]));
  }

  private async committed(topic: AnyTopic, group: string, partitions: readonly number[]): Promise<Map<number, bigint>> {
    const name = this.names.topic(topic);
    const groups = [{ groupId: this.names.group(group, topic), topics: [{ name, partitionIndexes: [...partitions] }] }];
    const [answer] = await this.admin.listConsumerGroupOffsets({ groups });
    const found = answer?.topics.find((one) => one.name === name)?.partitions ?? [];
    return new Map(
      found.filter(({ committedOffset }) => committedOffset >= 0n).map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
    );
  }

  private async call<R>(what: string, work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ContractError) throw error;
      throw new ContractError('unavailable', `Kafka could not ${what}: ${reasonOf(error)}`, { cause: error });
    }
  }
}

/** Kafka answers with -1 where no message is that late. */
const firstOf = (offset: bigint | undefined): bigint | undefined => (offset === undefined || offset < 0n ? undefined : offset);
