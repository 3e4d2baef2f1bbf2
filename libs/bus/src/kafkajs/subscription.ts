import { ContractError, type EventTopic } from '@throughline/contracts';
import type { Consumer, EachBatchPayload, Kafka, Offsets } from 'kafkajs';
import { BatchRunner } from '../consume/batch-runner.js';
import { LaneGroup } from '../consume/lane-group.js';
import type { Lane } from '../consume/lane.js';
import { withDeadline } from '../deadline.js';
import { busMetrics } from '../metrics.js';
import type { BusProducer, RunningSubscription, Subscription } from '../port.js';
import type { BusLogger } from '../settings.js';
import { topicOf, type AnyTopic } from '../topics.js';
import { CONSUMER, GroupMembership, LEAVE_TIMEOUT_MS } from './membership.js';
import type { Names } from './names.js';
import { toWireMessage } from './wire.js';

const COMMIT_INTERVAL_MS = 200;
const DRAIN_TIMEOUT_MS = 15_000;

export interface SubscriptionContext {
  readonly kafka: Kafka;
  readonly names: Names;
  readonly producer: BusProducer;
  readonly logger: BusLogger;
  readonly onDead: (error: Error) => void;
}

type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

/**
 * A member of a consumer group. `eachBatch` only moves messages into the partition's lane and returns, so kafkajs goes on fetching and
 * heartbeating whatever the handlers do: a slow partition holds back no other one, an outage of minutes costs no session. A full lane
 * pauses its partition.
 */
export class KafkaSubscription<T extends EventTopic> implements RunningSubscription {
  private readonly consumer: Consumer;
  private readonly name: AnyTopic;
  private readonly topic: string;
  private readonly lanes: LaneGroup;
  private readonly paused = new Set<number>();
  private commitOffsets: Commit | undefined;
  private committing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly subscription: Subscription<T>,
    private readonly context: SubscriptionContext,
  ) {
    const { kafka, names, producer, logger } = context;
    this.name = topicOf(subscription);
    this.topic = names.topic(this.name);
    this.consumer = kafka.consumer({ ...CONSUMER, groupId: names.group(subscription.group, this.name) });
    const runner = new BatchRunner({ subscription, producer, logger });
    this.lanes = new LaneGroup({ subscription, run: (...batch) => runner.run(...batch), onProgress: (lane) => this.resumeIfRoom(lane) });
  }

  async start(): Promise<void> {
    const membership = new GroupMembership(this.consumer, this.topic, {
      onAssigned: (partitions) => this.assigned(partitions),
      onRebalancing: () => void this.commit(),
      onDead: this.context.onDead,
    });
    try {
      await this.consumer.connect();
      await this.consumer.subscribe({ topic: this.topic, fromBeginning: true });
      this.timer = setInterval(() => void this.commit(), COMMIT_INTERVAL_MS);
      await this.consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async (payload) => this.take(payload) });
      await membership.joined;
    } catch (error) {
      throw new ContractError('unavailable', `${this.subscription.group} cannot subscribe to ${this.topic}: ${(error as Error).message}`, { cause: error });
    }
  }

  get inFlight(): number {
    return this.lanes.inFlight;
  }

  pause(): void {
    this.lanes.hold(true);
  }

  resume(): void {
    this.lanes.hold(false);
  }

  stop(): Promise<void> {
    this.stopped ??= this.drainAndLeave();
    return this.stopped;
  }

  private async drainAndLeave(): Promise<void> {
    this.isStopping = true;
    await this.lanes.drain(DRAIN_TIMEOUT_MS);
    clearInterval(this.timer);
    // Without brokers both would take their time; what is not committed is delivered again.
    await withDeadline(this.commitAll(), LEAVE_TIMEOUT_MS);
    await withDeadline(this.consumer.disconnect(), LEAVE_TIMEOUT_MS);
  }

  /** A commit may be under way already with less than what has finished since. */
  private async commitAll(): Promise<void> {
    await this.committing;
    await this.commit();
  }

  /** Synchronous on purpose: nothing can change between the checks and the hand-over. */
  private take({ batch, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale }: EachBatchPayload): void {
    this.commitOffsets = commitOffsetsIfNecessary;
    const lane = this.lanes.get(batch.partition);
    if (this.isStopping || !isRunning() || isStale() || lane === undefined) return;
    if (!lane.isFull) {
      lane.push(
        batch.messages.map((message) => toWireMessage(this.name, batch.partition, message)),
        Number(batch.highWatermark),
      );
      resolveOffset(batch.messages.at(-1)!.offset);
    }
    if (lane.isFull) this.pausePartition(batch.partition);
  }

  private assigned(partitions: readonly number[]): void {
    if (this.isStopping) return;
    busMetrics.rebalances.add(1, { group: this.subscription.group });
    this.lanes.assign(partitions);
    // A client that crashed and started again has forgotten its pauses, one that rejoined has not: ask for all that have room.
    this.paused.clear();
    for (const lane of this.lanes.all) {
      this.paused.add(lane.partition);
      this.resumeIfRoom(lane);
    }
  }

  private pausePartition(partition: number): void {
    if (this.paused.has(partition)) return;
    this.paused.add(partition);
    this.consumer.pause([{ topic: this.topic, partitions: [partition] }]);
  }

  private resumeIfRoom(lane: Lane): void {
    if (!this.paused.has(lane.partition) || this.isStopping || !lane.hasRoom) return;
    try {
      this.consumer.resume([{ topic: this.topic, partitions: [lane.partition] }]);
      this.paused.delete(lane.partition);
    } catch {
      // The client is between a crash and its restart; the assignment that follows resumes.
    }
  }

  private commit(): Promise<void> {
    this.committing ??= this.commitOnce().finally(() => {
      this.committing = undefined;
    });
    return this.committing;
  }

  /**
   * Commits the finished prefixes. kafkajs's own `commitOffsets` would repeat a failed commit under a later generation, for partitions that
   * may be somebody else's by then; the one of `eachBatch` is sent once, with the generation of this moment, and the broker refuses it if
   * that has passed. What was refused is due again at the next tick, if the lane is still here.
   */
  private async commitOnce(): Promise<void> {
    const due = this.lanes.committable();
    if (due.length === 0 || this.commitOffsets === undefined) return;
    const { group } = this.subscription;
    const offsets: Offsets = {
      topics: [{ topic: this.topic, partitions: due.map(({ lane, offset }) => ({ partition: lane.partition, offset: String(offset) })) }],
    };
    try {
      await this.commitOffsets(offsets);
      for (const { lane, offset } of due) lane.committed = offset;
      busMetrics.commits.add(1, { group, result: 'accepted' });
    } catch (error) {
      busMetrics.commits.add(1, { group, result: 'refused' });
      this.context.logger.warn({ topic: this.name, group, reason: (error as Error).message }, 'a commit was refused; the next one follows');
    }
  }
}
