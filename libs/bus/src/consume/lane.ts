import type { WireMessage } from '@throughline/contracts';
import { OffsetTracker } from './offset-tracker.js';

/** Messages handed over before the queue's array is moved up. */
const TRIM_AT = 4_096;

export interface LaneOptions {
  readonly partition: number;
  readonly maxBatchSize: number;
  readonly maxInFlightBatches: number;
  /** Bounds of what is queued and in flight together. */
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Resolves with true when every effect is durable, with false when it was given up; never rejects. */
  readonly run: (messages: readonly WireMessage[], signal: AbortSignal, onRetry: () => void) => Promise<boolean>;
  /** Something finished: there may be room, or something to commit. */
  readonly onProgress: () => void;
}

/**
 * One partition between fetching and committing: a bounded queue, batches handed over in order, and the finished prefix. What gathers
 * while a batch is in flight becomes the next one. A lane outlives a rebalance that leaves the partition here; the broker then delivers
 * again from the committed offset, and `push` drops what it has already.
 */
export class Lane {
  private queue: WireMessage[] = [];
  private head = 0;
  private bytes = 0;
  private inFlightMessages = 0;
  private inFlightBatches = 0;
  private retrying = 0;
  private isHeld = false;
  private nextOffset = -1;
  private end = 0;
  private firstOffset = -1;
  private isCatchingUp = false;
  private tracker = new OffsetTracker();
  private readonly abort = new AbortController();
  private idleWaiters: (() => void)[] = [];
  /** What the group has committed, as far as this process knows. */
  committed = -1;

  constructor(private readonly options: LaneOptions) {}

  /**
   * Takes over messages in the order of the partition.
   *
   * @param end one past the partition's last message, as the broker saw it with these
   */
  push(messages: readonly WireMessage[], end: number): void {
    this.end = end;
    if (this.abort.signal.aborted || messages.length === 0) return;
    const fresh = this.withoutDelivered(messages);
    if (fresh.length === 0) return;
    if (this.firstOffset === -1) this.firstOffset = Number(fresh[0]!.offset);
    for (const message of fresh) {
      this.queue.push(message);
      this.bytes += sizeBytes(message);
    }
    this.nextOffset = Number(fresh.at(-1)!.offset) + 1;
    this.startBatches();
  }

  /** The group was joined anew and the partition is still here: the next messages may be old acquaintances. */
  rejoined(): void {
    this.isCatchingUp = true;
  }

  /** Hands nothing over until released; what is queued stays. */
  hold(held: boolean): void {
    this.isHeld = held;
    if (!held) this.startBatches();
  }

  /** Forgets what is queued, aborts what is in flight. */
  close(): void {
    this.abort.abort();
    this.queue = [];
    this.head = 0;
  }

  /** Resolves when no batch is in flight. */
  idle(): Promise<void> {
    if (this.inFlightBatches === 0) return Promise.resolve();
    return new Promise((resolve) => this.idleWaiters.push(resolve));
  }

  get partition(): number {
    return this.options.partition;
  }

  /** Messages handed over and not yet finished. */
  get inFlight(): number {
    return this.inFlightMessages;
  }

  get isFull(): boolean {
    return this.held >= this.options.maxMessages || this.bytes >= this.options.maxBytes;
  }

  /** Half empty: intake may go on. The gap to `isFull` keeps pauses rare. */
  get hasRoom(): boolean {
    return this.held <= this.options.maxMessages / 2 && this.bytes <= this.options.maxBytes / 2;
  }

  /** Messages between the finished prefix and the end of the partition as last seen. */
  get lag(): number {
    return this.firstOffset === -1 ? 0 : Math.max(0, this.end - (this.tracker.committable ?? this.firstOffset));
  }

  /** The offset to commit, when it is beyond what is committed. */
  get committable(): number | undefined {
    const { committable } = this.tracker;
    return committable !== undefined && committable > this.committed ? committable : undefined;
  }

  private get held(): number {
    return this.queue.length - this.head + this.inFlightMessages;
  }

  private withoutDelivered(messages: readonly WireMessage[]): readonly WireMessage[] {
    if (Number(messages[0]!.offset) >= this.nextOffset) {
      this.isCatchingUp = false;
      return messages;
    }
    // A lower offset without a new generation: the topic was made anew. Old positions mean nothing then.
    if (!this.isCatchingUp) {
      this.committed = -1;
      this.tracker = new OffsetTracker();
      this.firstOffset = -1;
      return messages;
    }
    return messages.filter(({ offset }) => Number(offset) >= this.nextOffset);
  }

  private startBatches(): void {
    while (!this.isHeld && this.retrying === 0 && this.inFlightBatches < this.options.maxInFlightBatches && this.head < this.queue.length) {
      void this.runBatch(this.take());
    }
  }

  private take(): WireMessage[] {
    const end = Math.min(this.head + this.options.maxBatchSize, this.queue.length);
    const messages = this.head === 0 && end === this.queue.length ? this.queue : this.queue.slice(this.head, end);
    if (end === this.queue.length) {
      this.queue = [];
      this.head = 0;
    } else {
      this.head = end;
      // A queue that never runs empty must not keep what it has handed over.
      if (this.head >= TRIM_AT) {
        this.queue.splice(0, this.head);
        this.head = 0;
      }
    }
    return messages;
  }

  private async runBatch(messages: readonly WireMessage[]): Promise<void> {
    const { tracker } = this;
    const tracked = tracker.start(Number(messages.at(-1)!.offset));
    this.inFlightBatches += 1;
    this.inFlightMessages += messages.length;
    let isRetrying = false;
    const onRetry = (): void => {
      if (isRetrying) return;
      isRetrying = true;
      this.retrying += 1;
    };
    const finished = await this.options.run(messages, this.abort.signal, onRetry);
    if (isRetrying) this.retrying -= 1;
    this.inFlightBatches -= 1;
    this.inFlightMessages -= messages.length;
    for (const message of messages) this.bytes -= sizeBytes(message);
    if (finished) tracker.finish(tracked);
    this.startBatches();
    if (this.inFlightBatches === 0) for (const resolve of this.idleWaiters.splice(0)) resolve();
    this.options.onProgress();
  }
}

/** Overheads of objects and headers are left out: a bound need not be exact. */
function sizeBytes({ key, value }: WireMessage): number {
  return (key?.length ?? 0) + (value?.length ?? 0);
}
