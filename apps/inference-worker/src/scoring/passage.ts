import type { Row, RowGroup, RowJob } from './rows.js';

/** One batch of rows on its way: brings what is rejected to the fallbacks, hands over what is answered, and ends when all are. */
export class Passage implements RowJob {
  readonly ended: Promise<void>;
  private readonly resolve: () => void;
  private readonly reject: (reason: unknown) => void;
  private open: number;
  private hasFailed = false;
  private groups: readonly RowGroup[] = [];

  constructor(
    rows: readonly Row[],
    private readonly fallbacks: { rescue(rows: readonly Row[]): Promise<void> },
    private readonly deliver: (rows: readonly Row[]) => void,
  ) {
    this.open = rows.length;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ended = promise;
    this.resolve = resolve;
    this.reject = reject;
    for (const row of rows) row.job = this;
  }

  /** Versions that must stay until the rows of their groups are done. */
  entrust(groups: readonly RowGroup[]): void {
    this.groups = groups;
    for (const { served } of groups) served.acquire();
  }

  rowsDone(rows: readonly Row[]): void {
    if (this.hasFailed) return;
    for (const { group } of rows) if (group !== undefined && --group.open === 0) group.served.release();
    const rejected = rows.filter(({ rejection }) => rejection !== undefined);
    if (rejected.length === 0) return this.arrived(rows);
    if (rejected.length < rows.length) this.arrived(rows.filter(({ rejection }) => rejection === undefined));
    this.fallbacks.rescue(rejected).then(() => this.arrived(rejected), (thrown: unknown) => this.fail(thrown));
  }

  /** Gives up: the batch is handled anew by whoever sent it. */
  fail(reason: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    for (const { open, served } of this.groups) if (open > 0) served.release();
    this.reject(reason);
  }

  private arrived(rows: readonly Row[]): void {
    if (this.hasFailed) return;
    try {
      this.deliver(rows);
    } catch (thrown) {
      return this.fail(thrown);
    }
    this.open -= rows.length;
    if (this.open === 0) this.resolve();
  }
}
