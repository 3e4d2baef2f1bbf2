import type { WireMessage } from '@throughline/contracts';
import { METRICS, observableGauge, type Observation } from '@throughline/telemetry';
import { withDeadline } from '../deadline.js';
import type { Subscription } from '../port.js';
import { topicOf } from '../topics.js';
import { Lane } from './lane.js';

const DEFAULT_MAX_BATCH_SIZE = 500;
/** Enough that a lane does not run dry while its partition is being fetched again after a pause. */
const LANE_MIN_MESSAGES = 8_192;
const LANE_MAX_BYTES = 4 * 1024 * 1024;

export interface LaneGroupOptions {
  readonly subscription: Pick<Subscription, 'topic' | 'ownTopic' | 'group' | 'maxBatchSize' | 'maxInFlightBatches'>;
  readonly run: (messages: readonly WireMessage[], partition: number, signal: AbortSignal, onRetry: () => void) => Promise<boolean>;
  readonly onProgress: (lane: Lane) => void;
}

/** The lanes of the partitions that a member of a group has at the moment. */
export class LaneGroup {
  private readonly lanes = new Map<number, Lane>();
  /** Batches of lost partitions that are still in flight: a partition that comes back waits for them. */
  private readonly leaving = new Map<number, Promise<void>>();
  private isPaused = false;
  private isRebalancing = false;
  private readonly stopObserving: (() => void)[];

  constructor(private readonly options: LaneGroupOptions) {
    const topic = topicOf(options.subscription);
    const { group } = options.subscription;
    this.stopObserving = [
      observableGauge(METRICS.consumerInFlightMessages, () => [{ value: this.inFlight, labels: { topic, group } }]),
      observableGauge(METRICS.consumerLagMessages, () =>
        Array.from(this.lanes.values(), ({ partition, lag }): Observation => ({ value: lag, labels: { topic, group, partition } })),
      ),
    ];
  }

  get(partition: number): Lane | undefined {
    return this.lanes.get(partition);
  }

  get all(): Iterable<Lane> {
    return this.lanes.values();
  }

  get inFlight(): number {
    let sum = 0;
    for (const lane of this.lanes.values()) sum += lane.inFlight;
    return sum;
  }

  /** A new generation of the group: keeps the lanes of partitions that stay, gives up those that go, opens those that come. Ends a rebalance. */
  assign(partitions: readonly number[]): void {
    this.isRebalancing = false;
    for (const [partition, lane] of this.lanes) {
      if (partitions.includes(partition)) lane.rejoined();
      else this.giveUp(partition, lane);
    }
    for (const partition of partitions) if (!this.lanes.has(partition)) this.lanes.set(partition, this.open(partition));
    this.holdLanes();
  }

  /** Hands nothing over until told otherwise; what is queued stays. */
  pause(paused: boolean): void {
    this.isPaused = paused;
    this.holdLanes();
  }

  /**
   * Which partitions stay is not known until the group has been joined anew: hands nothing more over until then, and resolves when
   * nothing is in flight or the time is over.
   */
  async settle(timeoutMs: number): Promise<void> {
    this.isRebalancing = true;
    this.holdLanes();
    await withDeadline(Promise.all(Array.from(this.lanes.values(), (lane) => lane.idle())), timeoutMs);
  }

  /**
   * The group could not be joined anew: goes on with what there is. Safe, since a commit carries its generation and the broker refuses one that
   * has passed, and since the next join settles first.
   */
  release(): void {
    this.isRebalancing = false;
    this.holdLanes();
  }

  /** Starts nothing new, aborts, and resolves when nothing is in flight or the time is over. */
  async drain(timeoutMs: number): Promise<void> {
    for (const lane of this.lanes.values()) lane.close();
    for (const stop of this.stopObserving) stop();
    await withDeadline(Promise.all([...Array.from(this.lanes.values(), (lane) => lane.idle()), ...this.leaving.values()]), timeoutMs);
  }

  /** What the group may commit now. */
  committable(): { readonly lane: Lane; readonly offset: number }[] {
    const due: { lane: Lane; offset: number }[] = [];
    for (const lane of this.lanes.values()) if (lane.committable !== undefined) due.push({ lane, offset: lane.committable });
    return due;
  }

  private giveUp(partition: number, lane: Lane): void {
    lane.close();
    this.lanes.delete(partition);
    const before = this.leaving.get(partition) ?? Promise.resolve();
    const left = Promise.all([before, lane.idle()]).then(() => {
      if (this.leaving.get(partition) === left) this.leaving.delete(partition);
    });
    this.leaving.set(partition, left);
  }

  private open(partition: number): Lane {
    const { maxBatchSize = DEFAULT_MAX_BATCH_SIZE, maxInFlightBatches = 1 } = this.options.subscription;
    const lane = new Lane({
      partition,
      maxBatchSize,
      maxInFlightBatches,
      maxMessages: Math.max(LANE_MIN_MESSAGES, 2 * maxBatchSize * maxInFlightBatches),
      maxBytes: LANE_MAX_BYTES,
      run: (messages, signal, onRetry) => this.options.run(messages, partition, signal, onRetry),
      onProgress: () => this.options.onProgress(lane),
    });
    const leaving = this.leaving.get(partition);
    lane.hold(this.isHeld(partition));
    void leaving?.then(() => lane.hold(this.isHeld(partition)));
    return lane;
  }

  private holdLanes(): void {
    for (const lane of this.lanes.values()) lane.hold(this.isHeld(lane.partition));
  }

  private isHeld(partition: number): boolean {
    return this.isPaused || this.isRebalancing || this.leaving.has(partition);
  }
}
