/** More unanswered rows than this on the prompt lanes, and the batch lane waits. */
const BUSY_ROWS = 64;

/** Lets the batch lane yield: it starts a batch when the other lanes are quiet, or after a while all the same, so that it always progresses. */
export class LaneGate {
  private rows = 0;
  private readonly waiting = new Set<() => void>();

  /** Unanswered rows of the prompt lanes. */
  get busyRows(): number {
    return this.rows;
  }

  /** Counts rows of a prompt lane while `work` is under way. */
  async during<T>(rows: number, work: () => Promise<T>): Promise<T> {
    this.rows += rows;
    try {
      return await work();
    } finally {
      this.rows -= rows;
      if (this.rows <= BUSY_ROWS) for (const proceed of this.waiting) proceed();
    }
  }

  /** Resolves when the prompt lanes are quiet, at the latest after `maxWaitMs`. */
  quiet(maxWaitMs: number): Promise<void> {
    if (this.rows <= BUSY_ROWS) return Promise.resolve();
    return new Promise((resolve) => {
      const proceed = (): void => {
        clearTimeout(timer);
        this.waiting.delete(proceed);
        resolve();
      };
      const timer = setTimeout(proceed, maxWaitMs);
      this.waiting.add(proceed);
    });
  }
}
