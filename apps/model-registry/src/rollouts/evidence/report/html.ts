const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand in HTML and its attributes. */
export const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);

/** A cell of a table: numbers to the right. */
export type Cell = string | { readonly html: string } | { readonly number: string };

/** Column heads and rows; texts are escaped. */
export function table(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const isNumber = heads.map((_, column) => rows.some((row) => typeof row[column] === 'object' && 'number' in row[column]));
  const head = heads.map((text, column) => `<th${isNumber[column] === true ? ' class="number"' : ''}>${escape(text)}</th>`).join('');
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('')}</tbody></table></div>`;
}

function cell(value: Cell): string {
  if (typeof value === 'string') return `<td>${escape(value)}</td>`;
  return 'html' in value ? `<td>${value.html}</td>` : `<td class="number">${escape(value.number)}</td>`;
}

/** Below it, what is left of a difference of equal sums. */
const NOISE = 1e-12;

/** A number for people: four digits; nothing known is a dash. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  if (Math.abs(value) < NOISE) return '0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e6 || magnitude < 1e-4) return minus(value.toExponential(2));
  return minus(Number(value.toPrecision(magnitude >= 1000 ? 6 : 4)).toLocaleString('en-US', { maximumFractionDigits: 6 }));
}

export const signed = (value: number | undefined): string => (value !== undefined && value >= NOISE ? `+${figure(value)}` : figure(value));
export const percent = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? '–' : minus(`${Number((value * 100).toPrecision(3))} %`));
export const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const minus = (text: string): string => text.replace(/^-/, '−');
