import type { ErrorCode } from '@throughline/contracts';

/** How a column is written where types matter (Parquet). */
export type ColumnType = 'STRING' | 'DOUBLE' | 'FLOAT' | 'INT32' | 'INT64' | 'BOOLEAN' | 'TIMESTAMP' | 'JSON';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** A row of the input: its cells in the order of the columns, or why it cannot be read. */
export type InputRow = { readonly cells: readonly unknown[] } | UnreadableRow;

export interface UnreadableRow {
  readonly cells: undefined;
  readonly code: ErrorCode;
  readonly reason: string;
  /** The beginning of it, as it stands in the file. */
  readonly raw: string;
}

/** Rejections quote the line; more of it helps nobody. */
const RAW_MAX_CHARACTERS = 2000;

export const unreadable = (code: ErrorCode, reason: string, raw: string): UnreadableRow => ({ cells: undefined, code, reason, raw: raw.slice(0, RAW_MAX_CHARACTERS) });
