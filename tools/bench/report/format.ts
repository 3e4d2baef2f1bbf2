import type { Spread } from '../measure/statistics.ts';

export const count = (value: number): string => Math.round(value).toLocaleString('en');
export const ms = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0));
export const ratio = (value: number): string => value.toFixed(2);

/** `0.82 (0.79–0.85)` */
export const spread = ({ median, min, max }: Spread, format: (value: number) => string): string =>
  format(min) === format(max) ? format(median) : `${format(median)} (${format(min)}–${format(max)})`;

/** A Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A table, or nothing for no rows. */
export const paragraphs = (...parts: readonly (string | false | undefined)[]): string => parts.filter(Boolean).join('\n\n');
