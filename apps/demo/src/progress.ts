/** Tells a person what is going on: rewritten in place on a terminal, a line now and then elsewhere. */
export interface Progress {
  /** @param share done so far, from 0 to 1; absent where nobody knows */
  update(doing: string, share?: number): void;
  /** Ends the present line with what came of it. */
  done(result: string): void;
}

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const PLAIN_LINE_MS = 5000;
const CLEAR_LINE = '\r\x1b[2K';

export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Writes to a terminal, or to what is none. */
export class TerminalProgress implements Progress {
  private lastShownMs = -Infinity;
  private lastDoing = '';

  constructor(
    private readonly terminal: Terminal,
    private readonly nowMs: () => number,
  ) {}

  update(doing: string, share?: number): void {
    const intervalMs = this.terminal.isTTY === true ? REDRAW_MS : PLAIN_LINE_MS;
    const isNew = doing !== this.lastDoing;
    if (!isNew && this.nowMs() - this.lastShownMs < intervalMs) return;
    this.lastShownMs = this.nowMs();
    this.lastDoing = doing;
    if (this.terminal.isTTY === true) this.rewrite(share === undefined ? `  ${doing} …` : `  ${bar(share)} ${doing}`);
    else this.terminal.write(`  ${doing} …${share === undefined ? '' : ` ${Math.round(share * 100)} %`}\n`);
  }

  done(result: string): void {
    this.lastDoing = '';
    this.line(`  ${result}`);
  }

  /** A line that stays. */
  line(text: string): void {
    this.terminal.write(`${this.terminal.isTTY === true ? CLEAR_LINE : ''}${text}\n`);
  }

  /** A line that the next one replaces, cut to the width of the terminal; elsewhere it stays. */
  rewrite(text: string): void {
    if (this.terminal.isTTY !== true) this.terminal.write(`${text}\n`);
    else this.terminal.write(CLEAR_LINE + text.slice(0, (this.terminal.columns ?? 80) - 1));
  }
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${String(Math.round(share * 100)).padStart(3)} %`;
}
