import { TOPIC_NAMES, type TopicName, type WireMessage } from '@throughline/contracts';
import { scanOnce } from '../consume/reader.js';
import type { BusAdmin, PartitionOffsets, StartOffsets } from '../port.js';
import { toTopic, type AnyTopic, type OwnTopic } from '../topics.js';
import type { MemoryBroker } from './broker.js';
import { MemoryReader } from './reader.js';

export class MemoryAdmin implements BusAdmin {
  constructor(private readonly broker: MemoryBroker) {}

  async createTopics(): Promise<{ created: TopicName[]; existing: TopicName[] }> {
    return { created: [], existing: [...TOPIC_NAMES] };
  }

  async ensureTopic(topic: OwnTopic): Promise<{ created: boolean }> {
    return { created: this.broker.create(toTopic(topic)) };
  }

  async offsets(topic: AnyTopic, group?: string): Promise<PartitionOffsets[]> {
    return this.broker.log(topic).map(({ length }, partition) => {
      const committed = group === undefined ? undefined : this.broker.committed(topic, group, partition);
      return { partition, low: 0n, high: BigInt(length), ...(committed === undefined ? {} : { committed: BigInt(committed) }) };
    });
  }

  async offsetsAt(topic: AnyTopic, timestampMs: number): Promise<ReadonlyMap<number, bigint>> {
    return new Map(this.broker.log(topic).map((messages, partition) => {
      const first = messages.findIndex((message) => message.timestampMs >= timestampMs);
      return [partition, BigInt(first === -1 ? messages.length : first)] as const;
    }));
  }

  async scan(topic: AnyTopic, onMessages: (messages: readonly WireMessage[]) => void | Promise<void>, from?: StartOffsets): Promise<void> {
    await scanOnce((options) => new MemoryReader(options, this.broker), { topic, ends: await this.offsets(topic), from, onMessages });
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}
}
