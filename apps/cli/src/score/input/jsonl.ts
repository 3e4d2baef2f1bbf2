import { unreadable, type Column, type ColumnType, type InputRow, type UnreadableRow } from '../../domain/score/rows.js';
import { cannotRead, ROW_MAX_CHARACTERS, type RowSource } from './source.js';
import { linesOf, textOfFile, type Line } from './text.js';

/** A file whose every row has keys of its own is no table. */
const COLUMNS_MAX = 5000;

/** JSON Lines: one object a line; empty lines are none. The columns are all keys there are, so that it is read once to know them. */
export async function openJsonLines(file: string, onProgress: (rows: number) => void): Promise<RowSource> {
  const kinds = new Map<string, Set<Kind>>();
  let rowCount = 0;
  for await (const rows of objectsOf(file)) {
    for (const row of rows) if (!isUnreadable(row)) for (const key of Object.keys(row)) note(kinds, key, row[key]);
    if (kinds.size > COLUMNS_MAX) throw cannotRead(file, `its rows have more than ${COLUMNS_MAX} different keys`, 'Put what varies into one key.');
    rowCount += rows.length;
    onProgress(rowCount);
  }
  const columns: Column[] = Array.from(kinds, ([name, found]) => ({ name, type: typeOf(found) }));
  return {
    columns, rowCount,
    async *rows(): AsyncGenerator<readonly InputRow[]> {
      for await (const rows of objectsOf(file)) yield rows.map((row) => (isUnreadable(row) ? row : { cells: columns.map(({ name }) => (Object.hasOwn(row, name) ? row[name] : undefined)) }));
    },
  };
}

type JsonObject = Readonly<Record<string, unknown>>;
const UNREADABLE = new WeakSet<object>();
const isUnreadable = (row: JsonObject | UnreadableRow): row is UnreadableRow => UNREADABLE.has(row);

async function* objectsOf(file: string): AsyncGenerator<(JsonObject | UnreadableRow)[]> {
  for await (const lines of linesOf(textOfFile(file), ROW_MAX_CHARACTERS)) {
    const rows = lines.filter(({ text }) => text.trim() !== '').map(objectOf);
    if (rows.length > 0) yield rows;
  }
}

function objectOf({ number, text, isTooLong }: Line): JsonObject | UnreadableRow {
  if (isTooLong) return marked(unreadable('message_too_large', `line ${number} has more than ${ROW_MAX_CHARACTERS} characters`, text));
  try {
    // A byte order mark is no part of the first row.
    const value: unknown = JSON.parse(number === 1 ? text.replace(/^\uFEFF/, '') : text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
    return marked(unreadable('schema_invalid', `line ${number} is not a JSON object`, text));
  } catch (error) {
    return marked(unreadable('undecodable', `line ${number} is not JSON: ${(error as Error).message.slice(0, 200)}`, text));
  }
}

function marked(row: UnreadableRow): UnreadableRow {
  UNREADABLE.add(row);
  return row;
}

type Kind = 'null' | 'integer' | 'number' | 'boolean' | 'string' | 'object';

function note(kinds: Map<string, Set<Kind>>, key: string, value: unknown): void {
  let found = kinds.get(key);
  if (found === undefined) kinds.set(key, (found = new Set()));
  found.add(kindOf(value));
}

function kindOf(value: unknown): Kind {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'integer' : 'number';
  return typeof value as Kind;
}

function typeOf(found: ReadonlySet<Kind>): ColumnType {
  const [kind, ...others] = [...found].filter((one) => one !== 'null');
  if (others.length === 1 && found.has('integer') && found.has('number')) return 'DOUBLE';
  if (kind === undefined || others.length > 0 || kind === 'object') return kind === undefined ? 'STRING' : 'JSON';
  return ({ integer: 'INT64', number: 'DOUBLE', boolean: 'BOOLEAN', string: 'STRING', null: 'STRING' } as const)[kind];
}
