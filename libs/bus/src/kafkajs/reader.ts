import { randomUUID } from 'node:crypto';
import type { Consumer, Kafka } from 'kafkajs';
import { ReadProgress, type Reader, type ReaderOptions } from '../consume/reader.js';
import { withDeadline } from '../deadline.js';
import type { Names } from '../names.js';
import type { PartitionOffsets } from '../port.js';
import { CONSUMER, GroupMembership, LEAVE_TIMEOUT_MS } from './membership.js';
import { toWireMessage } from './wire.js';

export interface KafkaJsReaderOptions extends ReaderOptions {
  readonly kafka: Kafka;
  readonly names: Names;
  /** Beginnings and ends of the topic's partitions. */
  readonly offsets: () => Promise<readonly PartitionOffsets[]>;
}

/** kafkajs cannot read without a group: each reader has one of its own, commits nothing, and deletes it when it stops. */
export class KafkaJsReader implements Reader {
  private readonly consumer: Consumer;
  private readonly groupId: string;
  private readonly topic: string;
  private readonly progress = new ReadProgress();
  private stopped: Promise<void> | undefined;

  constructor(private readonly options: KafkaJsReaderOptions) {
    this.topic = options.names.topic(options.topic);
    this.groupId = options.names.group(`reader-${randomUUID()}`, options.topic);
    this.consumer = options.kafka.consumer({ ...CONSUMER, groupId: this.groupId });
  }

  async start(): Promise<void> {
    const { progress } = this;
    progress.begin(await this.options.offsets(), this.options.from);
    const membership = new GroupMembership(this.consumer, this.topic, {
      // A group that commits nothing begins at the beginning, at first and after every rebalance.
      onAssigned: (partitions) => this.seek(partitions),
      onDead: (error) => {
        progress.failed(error);
        this.options.onDead(error);
      },
    });
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.topic, fromBeginning: true });
    // Batches that hold nothing to read (compaction, control records) never reach `eachBatch`, but they move the position.
    this.consumer.on(this.consumer.events.END_BATCH_PROCESS, ({ payload }) =>
      progress.moved(payload.partition, Number(payload.lastOffset) + 1, Number(payload.highWatermark)),
    );
    await this.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, isRunning, isStale }) => {
        if (!isRunning() || isStale()) return;
        const next = progress.next(batch.partition);
        // What was fetched before the position was set is known already.
        const messages = batch.messages
          .filter(({ offset }) => Number(offset) >= next)
          .map((message) => toWireMessage(this.options.topic, batch.partition, message));
        if (messages.length > 0) await this.options.onMessages(messages);
        resolveOffset(batch.messages.at(-1)!.offset);
      },
    });
    await membership.joined;
  }

  get caughtUp(): Promise<void> {
    return this.progress.caughtUp;
  }

  get lag(): number {
    return this.progress.lag;
  }

  stop(): Promise<void> {
    this.stopped ??= this.leave();
    return this.stopped;
  }

  private seek(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const next = this.progress.next(partition);
      if (next > 0) this.consumer.seek({ topic: this.topic, partition, offset: String(next) });
    }
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
