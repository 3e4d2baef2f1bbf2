import type { EventTopic, WireMessage } from '@throughline/contracts';
import type { Consumer, EachBatchPayload, Kafka, Offsets } from 'kafkajs';
import { BatchRunner } from '../consume/batch-runner.js';
import { Lane } from '../consume/lane.js';
import type { BusProducer, RunningSubscription, Subscription } from '../port.js';
import type { DeadLetter } from '../dead-letter.js';
import type { BusLogger } from '../settings.js';
import { CONSUMER, GroupMembership } from './membership.js';
import type { Names } from './names.js';
import { toWireMessage } from './wire.js';

const COMMIT_INTERVAL_MS = 200;
const DRAIN_TIMEOUT_MS = 15_000;
const LANE_MIN_MESSAGES = 8_192;
const LANE_MAX_BYTES = 4 * 1024 * 1024;

export interface SubscriptionContext {
  readonly kafka: Kafka;
  readonly names: Names;
  readonly producer: BusProducer;
  readonly logger: BusLogger;
  readonly onDead: (error: Error) => void;
  readonly onDeadLetter?: (letter: DeadLetter) => void;
}

type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

/**
 * A member of a consumer group. `eachBatch` only moves messages into the partition's lane and returns, so kafkajs goes on fetching and
 * heartbeating whatever the handlers do: a slow partition holds back no other one, an outage of minutes costs no session. A full lane
 * pauses its partition.
 */
export class KafkaSubscription<T extends EventTopic> implements RunningSubscription {
  private readonly consumer: Consumer;
  private readonly topic: string;
  private readonly lanes = new Map<number, Lane>();
  /** Lanes of lost partitions whose batches are still in flight: a regained partition waits for them. */
  private readonly leaving = new Map<number, Promise<void>>();
  private readonly paused = new Set<number>();
  private readonly runner: BatchRunner<T>;
  private commitOffsets: Commit | undefined;
  private committing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isStopping = false;
  private isHeld = false;
  private stopped: Promise<void> | undefined;

  constructor(private readonly subscription: Subscription<T>, private readonly context: SubscriptionContext) {
    const { kafka, names, producer, logger, onDeadLetter } = context;
    this.topic = names.topic(subscription.topic);
    this.consumer = kafka.consumer({ ...CONSUMER, groupId: names.group(subscription.group) });
    this.runner = new BatchRunner({ subscription, producer, logger, ...(onDeadLetter === undefined ? {} : { onDeadLetter }) });
  }

  async start(): Promise<void> {
    const membership = new GroupMembership(this.consumer, this.topic, {
      onAssigned: (partitions) => this.assigned(partitions),
      onRebalancing: () => void this.commit(),
      onDead: this.context.onDead,
    });
    await this.consumer.connect();
    await this.consumer.subscribe({ topic: this.topic, fromBeginning: true });
    this.timer = setInterval(() => void this.commit(), COMMIT_INTERVAL_MS);
    await this.consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async (payload) => this.take(payload) });
    await membership.joined;
  }

  get inFlight(): number {
    let sum = 0;
    for (const lane of this.lanes.values()) sum += lane.inFlight;
    return sum;
  }

  pause(): void {
    this.isHeld = true;
    for (const lane of this.lanes.values()) lane.hold(true);
  }

  resume(): void {
    this.isHeld = false;
    for (const lane of this.lanes.values()) lane.hold(false);
  }

  stop(): Promise<void> {
    this.stopped ??= this.drainAndLeave();
    return this.stopped;
  }

  private async drainAndLeave(): Promise<void> {
    this.isStopping = true;
    for (const lane of this.lanes.values()) lane.close();
    const drained = Promise.all([...Array.from(this.lanes.values(), (lane) => lane.idle()), ...this.leaving.values()]);
    await withDeadline(drained, DRAIN_TIMEOUT_MS);
    clearInterval(this.timer);
    await this.commit();
    // A commit may have been under way already with less than what has finished since.
    await this.commit();
    await this.consumer.disconnect();
  }

  /** Synchronous on purpose: nothing can change between the checks and the hand-over. */
  private take({ batch, resolveOffset, commitOffsetsIfNecessary, isRunning, isStale }: EachBatchPayload): void {
    this.commitOffsets = commitOffsetsIfNecessary;
    const lane = this.lanes.get(batch.partition);
    if (this.isStopping || !isRunning() || isStale() || lane === undefined) return;
    if (!lane.isFull) {
      const { topic } = this.subscription;
      const messages: WireMessage[] = batch.messages.map((message) => toWireMessage(topic, batch.partition, message));
      lane.push(messages);
      resolveOffset(batch.messages.at(-1)!.offset);
    }
    if (lane.isFull) this.pausePartition(batch.partition);
  }

  private assigned(partitions: readonly number[]): void {
    if (this.isStopping) return;
    for (const [partition, lane] of this.lanes) {
      if (partitions.includes(partition)) lane.rejoined();
      else this.giveUp(partition, lane);
    }
    for (const partition of partitions) {
      if (!this.lanes.has(partition)) this.lanes.set(partition, this.createLane(partition));
      // A client that crashed and started again has forgotten its pauses, one that rejoined has not.
      this.paused.add(partition);
      this.progressed(partition);
    }
  }

  private giveUp(partition: number, lane: Lane): void {
    lane.close();
    this.lanes.delete(partition);
    this.paused.delete(partition);
    const left = lane.idle().then(() => void this.leaving.delete(partition));
    this.leaving.set(partition, left);
  }

  private createLane(partition: number): Lane {
    const { maxBatchSize = 500, maxInFlightBatches = 1 } = this.subscription;
    const lane = new Lane({
      partition, maxBatchSize, maxInFlightBatches,
      maxMessages: Math.max(LANE_MIN_MESSAGES, 2 * maxBatchSize * maxInFlightBatches), maxBytes: LANE_MAX_BYTES,
      run: (messages, signal, onRetry) => this.runner.run(messages, partition, signal, onRetry),
      onProgress: () => this.progressed(partition),
    });
    const leaving = this.leaving.get(partition);
    if (leaving !== undefined) lane.hold(true);
    if (this.isHeld) lane.hold(true);
    void leaving?.then(() => {
      if (!this.isHeld) lane.hold(false);
    });
    return lane;
  }

  private pausePartition(partition: number): void {
    if (this.paused.has(partition)) return;
    this.paused.add(partition);
    this.consumer.pause([{ topic: this.topic, partitions: [partition] }]);
  }

  private progressed(partition: number): void {
    if (!this.paused.has(partition) || this.isStopping || this.lanes.get(partition)?.hasRoom !== true) return;
    try {
      this.consumer.resume([{ topic: this.topic, partitions: [partition] }]);
      this.paused.delete(partition);
    } catch {
      // The client is between a crash and its restart; the assignment that follows resumes.
    }
  }

  /**
   * Commits the finished prefixes. kafkajs's own `commitOffsets` would repeat a failed commit under a later generation, for partitions that may
   * be somebody else's by then; this one is sent once, with the generation of this moment, and the broker refuses it if that has passed.
   */
  private commit(): Promise<void> {
    this.committing ??= this.commitOnce().finally(() => {
      this.committing = undefined;
    });
    return this.committing;
  }

  private async commitOnce(): Promise<void> {
    const due: { lane: Lane; offset: number }[] = [];
    for (const lane of this.lanes.values()) {
      const offset = lane.committable;
      if (offset !== undefined) due.push({ lane, offset });
    }
    if (due.length === 0 || this.commitOffsets === undefined) return;
    const offsets: Offsets = { topics: [{ topic: this.topic, partitions: due.map(({ lane, offset }) => ({ partition: lane.partition, offset: String(offset) })) }] };
    try {
      await this.commitOffsets(offsets);
      for (const { lane, offset } of due) lane.committed = offset;
    } catch (error) {
      this.context.logger.warn({ topic: this.subscription.topic, group: this.subscription.group, reason: (error as Error).message }, 'a commit was refused; the next one follows');
    }
  }
}

function withDeadline(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  return Promise.race([work.then(() => {}), deadline]).finally(() => clearTimeout(timer));
}
