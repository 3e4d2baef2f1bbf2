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
    this.bar.start(total, startRow, { how: this.of(startRow) });
  }

  /** To be called every `ScoreMeter.refreshMs`. `note` says what is waited for. */
  update(rows: number, nowMs: number, note = ''): void {
    this.seen.push({ atMs: nowMs, rows });
    while (this.seen.length > 2 && this.seen[0]!.atMs < nowMs - RATE_WINDOW_MS) this.seen.shift();
    const rate = this.rate();
    const left = rate > 0 ? `${durationText((this.total - rows) / rate)} left` : 'remaining time unknown';
    const how = `${this.of(rows)} | ${note === '' ? `${Math.round(rate).toLocaleString('en-US')}/s | ${left}` : note}`;
    if (this.bar === undefined) this.lines.update(how);
    else this.bar.update(rows, { how });
  }

  end(): void {
    this.bar?.stop();
    this.lines.end();
  }

  private of(rows: number): string {
    return `${rows.toLocaleString('en-US')} of ${this.total.toLocaleString('en-US')} rows`;
  }

  /** Rows a second, of late. */
  private rate(): number {
    const [first, last] = [this.seen[0]!, this.seen.at(-1)!];
    return last.atMs === first.atMs ? 0 : ((last.rows - first.rows) * 1000) / (last.atMs - first.atMs);
  }

  static readonly refreshMs = REFRESH_MS;
}

/** Seconds as a person says them. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
