/** Whole numbers, counted: as many counters as there are different values, however often each comes. */
export class Distribution {
  private readonly counts = new Map<number, number>();
  private total = 0;

  get count(): number {
    return this.total;
  }

  add(value: number): void {
    const rounded = Math.round(value);
    this.counts.set(rounded, (this.counts.get(rounded) ?? 0) + 1);
    this.total += 1;
  }

  /** The least value that at least `share` of all do not exceed; `undefined` without any. */
  quantile(share: number): number | undefined {
    let seen = 0;
    for (const [value, count] of [...this.counts].sort(([a], [b]) => a - b)) {
      seen += count;
      if (seen >= share * this.total) return value;
    }
    return undefined;
  }
}
