import { SingleBar } from 'cli-progress';
import { Progress } from '../terminal.js';

const RATE_WINDOW_MS = 10_000;
const REFRESH_MS = 500;

/** Shows how far a job is, how fast, and how long it will take: a bar on a terminal, a line every ten seconds elsewhere. */
export class ScoreMeter {
  private readonly bar: SingleBar | undefined;
  private readonly lines = new Progress();
  private readonly seen: { readonly atMs: number; readonly rows: number }[] = [];

  constructor(
    private readonly total: number,
    startRow: number,
  ) {
    if (process.stderr.isTTY !== true) return;
    this.bar = new SingleBar({ format: '{bar} {percentage} % | {how}', barsize: 24, barCompleteChar: '█', barIncompleteChar: '░', hideCursor: true, stream: process.stderr, clearOnComplete: true });
    this.bar.start(total, startRow, { how: ofTotal(startRow, this.total) });
  }

  /** To be called every `ScoreMeter.refreshMs`. `note` says what is waited for. */
  update(rows: number, nowMs: number, note = ''): void {
    this.seen.push({ atMs: nowMs, rows });
    while (this.seen.length > 2 && this.seen[0]!.atMs < nowMs - RATE_WINDOW_MS) this.seen.shift();
    const how = progressText({ total: this.total, rows, rowsPerSecond: rateOf(this.seen), note });
    if (this.bar === undefined) this.lines.update(how);
    else this.bar.update(rows, { how });
  }

  end(): void {
    this.bar?.stop();
    this.lines.end();
  }

  static readonly refreshMs = REFRESH_MS;
}

/** How far, how fast and how long yet; or, instead of the last two, what is waited for. */
export function progressText({ total, rows, rowsPerSecond, note }: { total: number; rows: number; rowsPerSecond: number; note: string }): string {
  const left = rowsPerSecond > 0 ? `${durationText((total - rows) / rowsPerSecond)} left` : 'remaining time unknown';
  return `${ofTotal(rows, total)} | ${note === '' ? `${Math.round(rowsPerSecond).toLocaleString('en-US')}/s | ${left}` : note}`;
}

/** Rows a second between the first and the last of these. */
export function rateOf(seen: readonly { readonly atMs: number; readonly rows: number }[]): number {
  const [first, last] = [seen[0]!, seen.at(-1)!];
  return last.atMs === first.atMs ? 0 : ((last.rows - first.rows) * 1000) / (last.atMs - first.atMs);
}

const ofTotal = (rows: number, total: number): string => `${rows.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} rows`;

/** Seconds as a person says them. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
