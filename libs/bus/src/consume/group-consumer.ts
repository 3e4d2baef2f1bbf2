import { ContractError, type EventTopic, type WireMessage } from '@throughline/contracts';
import { withDeadline } from '../deadline.js';
import { busMetrics } from '../metrics.js';
import type { BusProducer, RunningSubscription, Subscription } from '../port.js';
import type { BusLogger } from '../settings.js';
import { topicOf, type AnyTopic } from '../topics.js';
import { BatchRunner } from './batch-runner.js';
import type { GroupClient, GroupListener } from './group-client.js';
import { LaneGroup } from './lane-group.js';
import type { Lane } from './lane.js';

const COMMIT_INTERVAL_MS = 200;
const DRAIN_TIMEOUT_MS = 15_000;
/** The whole group waits for its slowest member; far below the rebalance timeout, at which the broker would expel it. */
const SETTLE_TIMEOUT_MS = 3_000;
/** Without brokers a commit would take its time; what is not committed is delivered again. */
const LAST_COMMIT_TIMEOUT_MS = 5_000;
const COMMIT_BEFORE_REJOIN_TIMEOUT_MS = 1_000;

export interface GroupConsumerContext {
  readonly connect: (listener: GroupListener) => GroupClient;
  /** The topic's on the broker, for messages. */
  readonly name: string;
  readonly producer: BusProducer;
  readonly logger: BusLogger;
  readonly onDead: (error: Error) => void;
  readonly onStopped: () => void;
}

/**
 * A member of a consumer group, whichever client it speaks through. Messages only move into the lane of their partition, so that the client
 * goes on fetching and heartbeating whatever the handlers do: a slow partition holds back no other one, an outage of minutes costs no
 * session. A full lane pauses its partition. At a rebalance nothing new starts, what is in flight finishes and is committed, and only then
 * the group is joined anew: so a partition changes hands without its messages being handled twice.
 */
export class GroupConsumer<T extends EventTopic> implements RunningSubscription {
  private readonly client: GroupClient;
  private readonly topic: AnyTopic;
  private readonly lanes: LaneGroup;
  private readonly paused = new Set<number>();
  private committing: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly subscription: Subscription<T>,
    private readonly context: GroupConsumerContext,
  ) {
    const { producer, logger, onDead } = context;
    this.topic = topicOf(subscription);
    const runner = new BatchRunner({ subscription, producer, logger });
    this.lanes = new LaneGroup({ subscription, run: (...batch) => runner.run(...batch), onProgress: (lane) => this.resumeIfRoom(lane) });
    this.client = context.connect({
      onMessages: (...delivery) => this.take(...delivery),
      beforeRejoin: () => this.settle(),
      onRejoinFailed: () => this.lanes.release(),
      onAssigned: (partitions) => this.assigned(partitions),
      onDead,
    });
  }

  async start(): Promise<void> {
    this.timer = setInterval(() => void this.commit(), COMMIT_INTERVAL_MS);
    try {
      await this.client.join();
    } catch (error) {
      throw new ContractError('unavailable', `${this.subscription.group} cannot subscribe to ${this.context.name}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  get inFlight(): number {
    return this.lanes.inFlight;
  }

  pause(): void {
    this.lanes.pause(true);
  }

  resume(): void {
    this.lanes.pause(false);
  }

  stop(): Promise<void> {
    this.stopped ??= this.drainAndLeave();
    return this.stopped;
  }

  private async drainAndLeave(): Promise<void> {
    await this.lanes.drain(DRAIN_TIMEOUT_MS);
    clearInterval(this.timer);
    await withDeadline(this.commitAll(), LAST_COMMIT_TIMEOUT_MS);
    await this.client.leave();
    this.context.onStopped();
  }

  private async settle(): Promise<void> {
    if (this.stopped !== undefined) return;
    await this.lanes.settle(SETTLE_TIMEOUT_MS);
    await withDeadline(this.commitAll(), COMMIT_BEFORE_REJOIN_TIMEOUT_MS);
  }

  /** A commit may be under way already with less than what has finished since. */
  private async commitAll(): Promise<void> {
    await this.committing;
    await this.commit();
  }

  /** Synchronous on purpose: nothing can change between the checks and the hand-over. */
  private take(partition: number, messages: () => readonly WireMessage[], end: number): boolean {
    // Else the client would fetch them again and again until it leaves.
    if (this.stopped !== undefined) this.client.pause(partition);
    const lane = this.lanes.get(partition);
    if (this.stopped !== undefined || lane === undefined) return false;
    const isTaken = !lane.isFull;
    if (isTaken) lane.push(messages(), end);
    if (lane.isFull && !this.paused.has(partition)) {
      this.paused.add(partition);
      this.client.pause(partition);
    }
    return isTaken;
  }

  private assigned(partitions: readonly number[]): void {
    if (this.stopped !== undefined) return;
    busMetrics.rebalances.add(1, { group: this.subscription.group });
    this.lanes.assign(partitions);
    // A client that crashed and started again has forgotten its pauses, one that rejoined has not: ask for all that have room.
    this.paused.clear();
    for (const lane of this.lanes.all) {
      this.paused.add(lane.partition);
      this.resumeIfRoom(lane);
    }
  }

  private resumeIfRoom(lane: Lane): void {
    if (!this.paused.has(lane.partition) || this.stopped !== undefined || !lane.hasRoom) return;
    try {
      this.client.resume(lane.partition);
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

  /** Commits the finished prefixes. What was refused is due again at the next tick, if the lane is still here. */
  private async commitOnce(): Promise<void> {
    const due = this.lanes.committable();
    if (due.length === 0) return;
    const { group } = this.subscription;
    try {
      await this.client.commit(due.map(({ lane: { partition }, offset }) => ({ partition, offset })));
      for (const { lane, offset } of due) lane.committed = offset;
      busMetrics.commits.add(1, { group, result: 'accepted' });
    } catch (error) {
      busMetrics.commits.add(1, { group, result: 'refused' });
      this.context.logger.warn({ topic: this.topic, group, reason: (error as Error).message, nextInMs: COMMIT_INTERVAL_MS }, 'a commit was refused: it is tried again while the partition stays here; where it has moved, its new owner handles what is not committed once more');
    }
  }
}
