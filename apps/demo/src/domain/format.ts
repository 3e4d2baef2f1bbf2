/** 12,345 */
export const count = (value: number): string => Math.round(value).toLocaleString('en-US');
/** 12.3 %; a dash where there is nothing to divide by */
export const percent = (part: number, whole: number): string => (whole === 0 ? '–' : `${((part / whole) * 100).toFixed(1)} %`);
/** 0.7281; a dash while it is not known */
export const figure = (value: number, digits = 3): string => (Number.isFinite(value) ? value.toFixed(digits) : '–');
/** 2001-01-29 14:05Z */
export const instant = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')}Z`;

/** Columns side by side: the first padded to the longest. */
export function table(rows: readonly (readonly [name: string, text: string])[], indent = '  '): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `${indent}${name.padEnd(width)}  ${text}`);
}
