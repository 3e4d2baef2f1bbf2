/** What is kept in order: its key, and whether it is done. Both links are the order's own. */
export interface Keyed {
  readonly orderKey: string;
  before: Keyed | undefined;
  after: Keyed | undefined;
  isDone: boolean;
}

/**
 * Order per routing key while rows overtake one another: a row that is done waits until those of its key that came before it are done too.
 * Rows of different keys never wait for each other.
 */
export class KeyOrder<R extends Keyed> {
  private readonly last = new Map<string, Keyed>();

  /** Rows whose turn has not come, for nothing but metrics and tests. */
  get openKeys(): number {
    return this.last.size;
  }

  /** In the order in which they came; all of a lane go through here. */
  enter(row: R): void {
    const before = this.last.get(row.orderKey);
    if (before !== undefined) {
      row.before = before;
      before.after = row;
    }
    this.last.set(row.orderKey, row);
  }

  /** @returns the rows whose turn has come, in an order that may be published: these, and those that waited for them */
  done(rows: readonly R[]): R[] {
    const released: R[] = [];
    for (const row of rows) {
      row.isDone = true;
      if (row.before === undefined) this.release(row, released);
    }
    return released;
  }

  private release(first: R, released: R[]): void {
    for (let row: Keyed | undefined = first; row?.isDone === true; ) {
      released.push(row as R);
      if (this.last.get(row.orderKey) === row) this.last.delete(row.orderKey);
      const after: Keyed | undefined = row.after;
      if (after !== undefined) after.before = undefined;
      row.after = undefined;
      row = after;
    }
  }
}
