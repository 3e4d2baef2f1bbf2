import { randomUUID } from 'node:crypto';
import type { WireMessage } from '@throughline/contracts';
import type { Consumer, Kafka } from 'kafkajs';
import { withDeadline } from '../deadline.js';
import { deferred } from '../deferred.js';
import type { StartOffsets } from '../port.js';
import type { AnyTopic } from '../topics.js';
import { CONSUMER, GroupMembership, LEAVE_TIMEOUT_MS } from './membership.js';
import type { Names } from './names.js';
import { toWireMessage } from './wire.js';

export interface ReaderOptions {
  readonly kafka: Kafka;
  readonly names: Names;
  readonly topic: AnyTopic;
  readonly from?: StartOffsets | undefined;
  /** Called one partition at a time, in its order; the next messages of any partition wait for it. Must not reject. */
  readonly onMessages: (messages: readonly WireMessage[]) => Promise<void> | void;
  readonly onDead: (error: Error) => void;
}

interface Position {
  next: number;
  /** End of the partition as last seen. */
  high: number;
  /** Where the partition began and ended when the reading began. */
  target: number;
}

/** kafkajs cannot read without a group: each reader has one of its own, commits nothing, and deletes it when it stops. */
export class TopicReader {
  private readonly consumer: Consumer;
  private readonly groupId: string;
  private readonly topic: string;
  private readonly positions = new Map<number, Position>();
  private readonly reached = deferred();
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: ReaderOptions) {
    this.topic = options.names.topic(options.topic);
    this.groupId = options.names.group(`reader-${randomUUID()}`, options.topic);
    this.consumer = options.kafka.consumer({ ...CONSUMER, groupId: this.groupId });
  }

  async start(): Promise<void> {
    await this.takeTargets();
    const membership = new GroupMembership(this.consumer, this.topic, {
      // A group that commits nothing begins at the beginning, at first and after every rebalance.
      onAssigned: (partitions) => this.seek(partitions),
      onDead: (error) => {
        this.reached.reject(error);
        this.options.onDead(error);
      },
    });
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.topic, fromBeginning: true });
    // Batches that hold nothing to read (compaction, control records) never reach `eachBatch`, but they move the position.
    this.consumer.on(this.consumer.events.END_BATCH_PROCESS, ({ payload }) =>
      this.moved(payload.partition, Number(payload.lastOffset) + 1, Number(payload.highWatermark)),
    );
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, isRunning, isStale }) => {
        if (!isRunning() || isStale()) return;
        const next = this.positions.get(batch.partition)?.next ?? 0;
        // What was fetched before the position was set is known already.
        const messages = batch.messages
          .filter(({ offset }) => Number(offset) >= next)
          .map((message) => toWireMessage(this.options.topic, batch.partition, message));
        if (messages.length > 0) await this.options.onMessages(messages);
        resolveOffset(batch.messages.at(-1)!.offset);
      },
    });
    await membership.joined;
    this.checkReached();
  }

  /** Resolves when everything that was there at the start has been handed over. */
  get caughtUp(): Promise<void> {
    return this.reached.promise;
  }

  get lag(): number {
    let sum = 0;
    for (const { next, high } of this.positions.values()) sum += Math.max(0, high - next);
    return sum;
  }

  stop(): Promise<void> {
    this.stopped ??= this.leave();
    return this.stopped;
  }

  private async takeTargets(): Promise<void> {
    const admin = this.options.kafka.admin();
    await admin.connect();
    try {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(this.topic)) {
        const next = Math.min(Math.max(Number(this.options.from?.get(partition) ?? low), Number(low)), Number(high));
        this.positions.set(partition, { next, high: Number(high), target: Number(high) });
      }
    } finally {
      await admin.disconnect();
    }
  }

  private seek(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const next = this.positions.get(partition)?.next ?? 0;
      if (next > 0) this.consumer.seek({ topic: this.topic, partition, offset: String(next) });
    }
  }

  private moved(partition: number, next: number, high: number): void {
    const position = this.positions.get(partition);
    if (position === undefined) this.positions.set(partition, { next, high, target: 0 });
    else Object.assign(position, { next: Math.max(position.next, next), high });
    this.checkReached();
  }

  private checkReached(): void {
    for (const { next, target } of this.positions.values()) if (next < target) return;
    this.reached.resolve();
  }

  /** Never rejects, and takes no longer than this without brokers: what else is to be stopped and flushed waits for it. */
  private async leave(): Promise<void> {
    await withDeadline(this.consumer.disconnect(), LEAVE_TIMEOUT_MS);
    await withDeadline(this.deleteGroup(), LEAVE_TIMEOUT_MS);
  }

  /** The broker forgets empty groups by itself; to delete is courtesy. */
  private async deleteGroup(): Promise<void> {
    const admin = this.options.kafka.admin();
    try {
      await admin.connect();
      await admin.deleteGroups([this.groupId]);
    } finally {
      await admin.disconnect();
    }
  }
}
