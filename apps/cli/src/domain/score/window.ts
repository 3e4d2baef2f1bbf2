interface Held<T> {
  readonly value: T;
  readonly size: number;
}

/**
 * Puts what comes in any order back into the order of its rows. What has come too early is held; rows are released as soon as every row before
 * them is. How far rows may run ahead is the caller's to bound, by `next` and `heldSize`.
 */
export class ReorderWindow<T> {
  private readonly held = new Map<number, Held<T>>();
  private nextRow: number;
  private size = 0;

  /** @param firstRow the first row that is not released yet */
  constructor(firstRow: number) {
    this.nextRow = firstRow;
  }

  /** The first row that is not released. */
  get next(): number {
    return this.nextRow;
  }

  /** Sum of the sizes of what has come too early, in the caller's unit. */
  get heldSize(): number {
    return this.size;
  }

  /** Takes what came for a row; returns what may follow the rows before, in order. Only the first of a row counts. */
  settle(row: number, value: T, size: number): T[] {
    if (row < this.nextRow || this.held.has(row)) return [];
    this.held.set(row, { value, size });
    this.size += size;
    const released: T[] = [];
    for (let ready = this.held.get(this.nextRow); ready !== undefined; ready = this.held.get(this.nextRow)) {
      this.held.delete(this.nextRow);
      this.size -= ready.size;
      this.nextRow += 1;
      released.push(ready.value);
    }
    return released;
  }
}
