import { createInterface } from 'node:readline/promises';

const SHOW_AFTER_MS = 2000;
const REDRAW_MS = 200;
const REPEAT_MS = 10_000;

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Says how far a long task is: on a terminal in one line that is drawn anew, elsewhere in a line every ten seconds. Short tasks stay silent. */
export class Progress {
  private readonly startedMs = performance.now();
  private shownMs = 0;
  private isOpen = false;

  constructor(private readonly output: Output = process.stderr) {}

  update(doing: string): void {
    const nowMs = performance.now();
    const dueMs = this.shownMs === 0 ? this.startedMs + SHOW_AFTER_MS : this.shownMs + (this.output.isTTY ? REDRAW_MS : REPEAT_MS);
    if (nowMs < dueMs) return;
    this.shownMs = nowMs;
    this.output.write(this.output.isTTY ? `\r\x1b[K${doing}` : `${doing}\n`);
    this.isOpen = this.output.isTTY === true;
  }

  end(): void {
    if (this.isOpen) this.output.write('\r\x1b[K');
    this.isOpen = false;
  }
}

/** Rows in columns as wide as their widest cell; numbers to the right. */
export function table(rows: readonly (readonly (string | number)[])[], indent = ''): string {
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, textOf(cell).length)), []);
  const pad = (cell: string | number, column: number): string => (typeof cell === 'number' ? textOf(cell).padStart(widths[column] ?? 0) : textOf(cell).padEnd(widths[column] ?? 0));
  return rows.map((row) => `${indent}${row.map(pad).join('  ')}`.trimEnd()).join('\n');
}

const textOf = (cell: string | number): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell);

/** Asks the person at the terminal; where there is none, the answer is no. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
