import { FairQueue } from './fair-queue.js';

/** Prompt rows are waited for; others (the batch lane, shadows) take what is left. */
export type Band = 'prompt' | 'batch';

export interface Queued {
  /** 1 (first) to 9. */
  readonly priority: number;
  readonly team: string;
  /** On the clock of `TakeOptions.nowMs`; `Infinity` without one. */
  readonly deadlineMs: number;
}

export interface TakeOptions {
  readonly maxRows: number;
  readonly nowMs: number;
  /** How long a run of so many rows takes. */
  readonly predictMs: (rows: number) => number;
  /** Runs a row although it is predicted to be late: else a wrong prediction could never be corrected. */
  readonly mayProbe: boolean;
}

export interface Taken<R> {
  /** Of the next run. */
  readonly rows: R[];
  /** Would come too late. */
  readonly late: R[];
}

/** While prompt rows wait too, others get one row in so many of a run; of a run too small to share, every so many-th run. */
const BATCH_SHARE = 8;
const PRIORITIES = 9;

/** Rows that wait for one version of a model. */
export class ModelQueue<R extends Queued> {
  private readonly bands: Readonly<Record<Band, PriorityQueue<R>>> = { prompt: new PriorityQueue(), batch: new PriorityQueue() };
  private takes = 0;

  push(band: Band, row: R): void {
    this.bands[band].push(row);
  }

  get size(): number {
    return this.bands.prompt.size + this.bands.batch.size;
  }

  sizeOf(band: Band): number {
    return this.bands[band].size;
  }

  /** Of the most urgent row that waits; `Infinity` when none does. */
  topPriority(band: Band): number {
    return this.bands[band].topPriority;
  }

  /** At most so many rows go before one that comes now. */
  ahead(band: Band, { priority, team }: Pick<Queued, 'priority' | 'team'>): number {
    return this.bands[band].ahead(priority, team);
  }

  /**
   * The rows of the next run: the most urgent first, in turns between the teams of a priority. A row joins only as long as it makes no one
   * late who would be in time without it; who would be late all the same is sorted out.
   */
  take(options: TakeOptions): Taken<R> {
    const taken: Taken<R> = { rows: [], late: [] };
    const { prompt, batch } = this.bands;
    const isShared = prompt.size > 0 && batch.size > 0;
    const reserved = isShared ? this.reservedRows(options.maxRows) : 0;
    const room = this.fill(taken, prompt, options.maxRows - reserved, { options, earliestMs: Infinity });
    if (!isShared || reserved > 0) this.fill(taken, batch, isShared ? taken.rows.length + reserved : options.maxRows, room);
    return taken;
  }

  private reservedRows(maxRows: number): number {
    if (maxRows >= BATCH_SHARE) return Math.floor(maxRows / BATCH_SHARE);
    return ++this.takes % BATCH_SHARE === 0 ? maxRows : 0;
  }

  private fill({ rows, late }: Taken<R>, from: PriorityQueue<R>, upTo: number, room: Room): Room {
    const { nowMs, predictMs, mayProbe } = room.options;
    let { earliestMs } = room;
    while (rows.length < upTo) {
      const row = from.peek();
      if (row === undefined) break;
      if (row.deadlineMs !== Infinity || earliestMs !== Infinity) {
        const doneMs = nowMs + predictMs(rows.length + 1);
        if (doneMs > earliestMs) break;
        const isProbe = mayProbe && rows.length === 0 && nowMs < row.deadlineMs;
        if (doneMs > row.deadlineMs && !isProbe) {
          from.shift();
          late.push(row);
          continue;
        }
        // Who is run as a probe is late already: it must not keep others out.
        if (!isProbe || doneMs <= row.deadlineMs) earliestMs = Math.min(earliestMs, row.deadlineMs);
      }
      from.shift();
      rows.push(row);
    }
    return { options: room.options, earliestMs };
  }
}

interface Room {
  readonly options: TakeOptions;
  /** Deadline of the row in the run that has least time. */
  readonly earliestMs: number;
}

class PriorityQueue<R extends Queued> {
  private readonly levels: (FairQueue<R> | undefined)[] = new Array(PRIORITIES + 1).fill(undefined) as undefined[];
  size = 0;

  push(row: R): void {
    (this.levels[row.priority] ??= new FairQueue()).push(row.team, row);
    this.size++;
  }

  get topPriority(): number {
    if (this.size > 0) for (let priority = 1; priority <= PRIORITIES; priority++) if ((this.levels[priority]?.size ?? 0) > 0) return priority;
    return Infinity;
  }

  ahead(priority: number, team: string): number {
    let rows = this.levels[priority]?.ahead(team) ?? 0;
    for (let level = 1; level < priority; level++) rows += this.levels[level]?.size ?? 0;
    return rows;
  }

  peek(): R | undefined {
    return this.levels[this.topPriority]?.peek();
  }

  shift(): R | undefined {
    const row = this.levels[this.topPriority]?.shift();
    if (row !== undefined) this.size--;
    return row;
  }
}
