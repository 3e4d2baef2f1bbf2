import { ContractError, TOPICS, type WireMessage } from '@throughline/contracts';
import type { OutgoingMessage } from '../port.js';
import { baseTopicOf, isOwnTopic, toTopic, type AnyTopic } from '../topics.js';

type Listener = (partition: number) => void;

export interface Member {
  /** Resolves when the member has let go of what it holds. */
  readonly beforeRejoin: () => Promise<void>;
  readonly assign: (partitions: readonly number[]) => void;
}

interface Group {
  readonly members: Member[];
  readonly committed: Map<number, number>;
  rebalanced: Promise<void>;
}

/** What several in-memory buses share: logs, groups and their commits. Nothing survives the process. */
export class MemoryBroker {
  private readonly logs = new Map<AnyTopic, WireMessage[][]>();
  private readonly listeners = new Map<AnyTopic, Set<Listener>>();
  private readonly groups = new Map<string, Group>();
  /** While true, every send is refused with `unavailable`. */
  isDown = false;

  constructor(private readonly nowMs: () => number = Date.now) {}

  /** The partitions of a topic. Those of the contract are there from the beginning, somebody's own when they were created. */
  log(topic: AnyTopic): WireMessage[][] {
    if (isOwnTopic(topic) && !this.logs.has(topic)) throw new ContractError('not_found', `there is no topic ${topic}`);
    this.create(topic);
    return this.logs.get(topic)!;
  }

  /** Whether the topic was not there before. */
  create(topic: AnyTopic): boolean {
    if (this.logs.has(topic)) return false;
    this.logs.set(
      topic,
      Array.from({ length: partitionsOf(topic) }, () => []),
    );
    return true;
  }

  has(topic: AnyTopic): boolean {
    return this.logs.has(topic) || !isOwnTopic(topic);
  }

  append(messages: readonly OutgoingMessage[]): void {
    if (this.isDown) throw new ContractError('unavailable', 'the broker is down');
    const touched = new Map<AnyTopic, Set<number>>();
    for (const message of messages) {
      const partition = this.appendOne(message);
      const partitions = touched.get(message.topic);
      if (partitions === undefined) touched.set(message.topic, new Set([partition]));
      else partitions.add(partition);
    }
    for (const [topic, partitions] of touched) for (const listener of this.listeners.get(topic) ?? []) partitions.forEach(listener);
  }

  /** Calls with the partition after each append; returns the function that ends it. */
  listen(topic: AnyTopic, listener: Listener): () => void {
    const listeners = this.listeners.get(topic) ?? new Set();
    this.listeners.set(topic, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Resolves when every member has its new partitions. */
  join(topic: AnyTopic, groupId: string, member: Member): Promise<void> {
    const group = this.group(topic, groupId);
    group.members.push(member);
    return this.rebalance(topic, group);
  }

  leave(topic: AnyTopic, groupId: string, member: Member): void {
    const group = this.group(topic, groupId);
    const index = group.members.indexOf(member);
    if (index === -1) return;
    group.members.splice(index, 1);
    void this.rebalance(topic, group);
  }

  commit(topic: AnyTopic, group: string, partition: number, offset: number): void {
    this.group(topic, group).committed.set(partition, offset);
  }

  committed(topic: AnyTopic, group: string, partition: number): number | undefined {
    return this.group(topic, group).committed.get(partition);
  }

  private group(topic: AnyTopic, group: string): Group {
    const name = `${group}\n${topic}`;
    let found = this.groups.get(name);
    if (found === undefined) {
      found = { members: [], committed: new Map(), rebalanced: Promise.resolve() };
      this.groups.set(name, found);
    }
    return found;
  }

  /** Eager, as kafkajs's: all let go, then all get their part. One at a time. */
  private rebalance(topic: AnyTopic, group: Group): Promise<void> {
    group.rebalanced = group.rebalanced.then(async () => {
      await Promise.all(group.members.map((member) => member.beforeRejoin()));
      const members = [...group.members];
      const assignments = members.map((): number[] => []);
      for (let partition = 0; partition < partitionsOf(topic) && members.length > 0; partition += 1) assignments[partition % members.length]!.push(partition);
      for (const [index, member] of members.entries()) member.assign(assignments[index]!);
    });
    return group.rebalanced;
  }

  private appendOne({ topic, key, value, headers }: OutgoingMessage): number {
    const keyBytes = Buffer.from(key as string);
    const log = this.log(topic);
    const partition = hash(keyBytes) % log.length;
    const messages = log[partition]!;
    messages.push({
      topic,
      partition,
      offset: String(messages.length),
      timestampMs: this.nowMs(),
      key: keyBytes,
      value: value === null ? null : Buffer.from(value as string),
      headers: Object.fromEntries(Object.entries(headers ?? {}).map(([name, header]) => [name, Buffer.from(header as string)])),
    });
    return partition;
  }
}

const partitionsOf = (topic: AnyTopic): number => TOPICS[baseTopicOf(toTopic(topic))!].partitions;

/** FNV-1a. Another partitioner than Kafka's, as those of other clients are. */
function hash(bytes: Buffer): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
