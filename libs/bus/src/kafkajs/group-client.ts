import type { Consumer, EachBatchPayload, Kafka, PartitionAssigner } from 'kafkajs';
import type { Commit, GroupClient, GroupListener } from '../consume/group-client.js';
import { withDeadline } from '../deadline.js';
import type { Names } from '../names.js';
import type { AnyTopic } from '../topics.js';
import { kafkajs } from './library.js';
import { CONSUMER, GroupMembership, LEAVE_TIMEOUT_MS } from './membership.js';
import { joinHooks, type JoinHooks } from './waiting-join.js';
import { toWireMessage } from './wire.js';

export interface KafkaJsGroupOptions {
  readonly kafka: Kafka;
  readonly names: Names;
  readonly topic: AnyTopic;
  readonly group: string;
  readonly listener: GroupListener;
}

/** A member of a group by kafkajs. `eachBatch` only hands messages on and returns. */
export class KafkaJsGroupClient implements GroupClient {
  private readonly consumer: Consumer;
  private readonly topic: string;
  private commitOffsets: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;

  constructor(private readonly options: KafkaJsGroupOptions) {
    const { kafka, names, topic, group, listener } = options;
    this.topic = names.topic(topic);
    this.consumer = kafka.consumer({ ...CONSUMER, groupId: names.group(group, topic), partitionAssigners: [assignerWithHooks(listener)] });
  }

  async join(): Promise<void> {
    const membership = new GroupMembership(this.consumer, this.topic, this.options.listener);
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.topic, fromBeginning: true });
    await this.consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async (payload) => this.handOn(payload) });
    await membership.joined;
  }

  pause(partition: number): void {
    this.consumer.pause([{ topic: this.topic, partitions: [partition] }]);
  }

  resume(partition: number): void {
    this.consumer.resume([{ topic: this.topic, partitions: [partition] }]);
  }

  /**
   * kafkajs's own `commitOffsets` would repeat a failed commit under a later generation, for partitions that may be somebody else's by then;
   * the one of `eachBatch` is sent once, with the generation of this moment, and the broker refuses it if that has passed.
   */
  async commit(commits: readonly Commit[]): Promise<void> {
    await this.commitOffsets?.({
      topics: [{ topic: this.topic, partitions: commits.map(({ partition, offset }) => ({ partition, offset: String(offset) })) }],
    });
  }

  async leave(): Promise<void> {
    await withDeadline(this.consumer.disconnect(), LEAVE_TIMEOUT_MS);
  }

  private handOn({ batch, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale }: EachBatchPayload): void {
    this.commitOffsets = commitOffsetsIfNecessary;
    if (!isRunning() || isStale()) return;
    const { partition, messages, highWatermark } = batch;
    const convert = () => messages.map((message) => toWireMessage(this.options.topic, partition, message));
    if (this.options.listener.onMessages(partition, convert, Number(highWatermark))) resolveOffset(messages.at(-1)!.offset);
  }
}

/** kafkajs's own assigner, under its own name, with the hooks of the member that uses it. */
function assignerWithHooks(hooks: JoinHooks): PartitionAssigner {
  return (config) => {
    const assigner = kafkajs.PartitionAssigners.roundRobin(config);
    joinHooks.set(assigner, hooks);
    return assigner;
  };
}
