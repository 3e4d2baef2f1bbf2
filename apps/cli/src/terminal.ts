import { createInterface } from 'node:readline/promises';

const SHOW_AFTER_MS = 2000;
const REDRAW_MS = 200;
const REPEAT_MS = 10_000;

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** What terminals obey instead of showing it: C0 and C1 controls but for tab and new line, and overrides of the direction of text. */
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text that a terminal shows as it is, each character that it would obey written as in JSON (`\u001b`): teams, entities, reasons and texts
 * of outcomes are strangers' words. JSON stays the JSON it was.
 */
export const printable = (text: string): string => text.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** From now on everything that is written to standard output as text is printable; what draws, `draw` lets through. */
export function guardOutput(stream: NodeJS.WriteStream = process.stdout): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = ((chunk: unknown, ...rest: unknown[]) => write(typeof chunk === 'string' ? printable(chunk) : chunk, ...rest)) as typeof stream.write;
}

/** Lines of text in the place of as many above; bytes are what the guard lets through. */
export const draw = (lines: readonly string[], replacedLines: number): void =>
  void process.stdout.write(Buffer.from(`${replacedLines === 0 ? '' : `\x1b[${replacedLines}A\x1b[J`}${printable(lines.join('\n'))}\n`));

/** Says how far a long task is: on a terminal in one line that is drawn anew, elsewhere in a line every ten seconds. Short tasks stay silent. */
export class Progress {
  private readonly startedMs = performance.now();
  private shownMs = 0;
  private isOpen = false;

  constructor(
    private readonly output: Output = process.stderr,
    private readonly showAfterMs = SHOW_AFTER_MS,
  ) {}

  update(doing: string): void {
    const nowMs = performance.now();
    const dueMs = this.shownMs === 0 ? this.startedMs + this.showAfterMs : this.shownMs + (this.output.isTTY ? REDRAW_MS : REPEAT_MS);
    if (nowMs < dueMs) return;
    this.shownMs = nowMs;
    this.output.write(this.output.isTTY ? `\r\x1b[K${printable(doing)}` : `${printable(doing)}\n`);
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

// A cell is one line, whatever is in it: nobody writes rows into somebody else's table.
const textOf = (cell: string | number): string => (typeof cell === 'number' ? cell.toLocaleString('en-US') : printable(cell).replace(/[\t\n]/g, ' '));

/** Asks the person at the terminal; where there is none, the answer is no. */
export async function confirm(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
