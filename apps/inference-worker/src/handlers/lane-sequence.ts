/**
 * Keeps the order of a partition while several of its batches are under way: they are scored side by side, but handed to the producer in
 * the order in which they came.
 */
export class LaneSequence {
  private readonly last = new Map<number, Promise<unknown>>();

  /**
   * Runs `effect` with what `prepare` gives, after the effects of all earlier batches of the partition have begun.
   *
   * @returns what the effect gives, when it has finished
   */
  async inOrder<T, R>(partition: number, prepare: Promise<T>, effect: (prepared: T) => Promise<R>): Promise<R> {
    const before = this.last.get(partition);
    let begun = (): void => {};
    const turn = new Promise<void>((resolve) => (begun = resolve));
    this.last.set(partition, turn);
    try {
      const prepared = await prepare;
      if (before !== undefined) await before;
      const finished = effect(prepared);
      begun();
      return await finished;
    } finally {
      // Also after a failure nobody may overtake the batches before.
      if (before === undefined) begun();
      else void before.then(begun);
      if (this.last.get(partition) === turn) this.last.delete(partition);
    }
  }
}
