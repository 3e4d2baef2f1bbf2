/** One batch that was handed over and may finish in any order. */
export interface TrackedBatch {
  readonly lastOffset: number;
  finished: boolean;
}

/**
 * Knows the contiguous finished prefix of one partition. Offsets may have gaps (compaction, control records): only the order in which
 * batches start counts. A batch that never finishes holds the prefix for ever.
 */
export class OffsetTracker {
  private readonly started: TrackedBatch[] = [];
  private head = 0;
  private prefix: number | undefined;

  /** Batches must start in the order of the partition. */
  start(lastOffset: number): TrackedBatch {
    const batch = { lastOffset, finished: false };
    this.started.push(batch);
    return batch;
  }

  finish(batch: TrackedBatch): void {
    batch.finished = true;
    while (this.head < this.started.length && this.started[this.head]!.finished) {
      this.prefix = this.started[this.head]!.lastOffset + 1;
      this.head += 1;
    }
    if (this.head === this.started.length) {
      this.started.length = 0;
      this.head = 0;
    } else if (this.head >= 1_024) {
      this.started.splice(0, this.head);
      this.head = 0;
    }
  }

  /** One past the last offset of the finished prefix: what a group may commit. Absent while nothing at the front has finished. */
  get committable(): number | undefined {
    return this.prefix;
  }

  /** Batches started and not yet part of the finished prefix. */
  get open(): number {
    return this.started.length - this.head;
  }
}
