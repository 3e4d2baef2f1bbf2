import { open } from 'node:fs/promises';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { ColumnKind, ReferenceTable } from '../../domain/baseline.js';
import { parseCsv } from './csv.js';
import { badReference, MAX_REFERENCE_ROWS, TableBuilder } from './table.js';

const PARQUET_MAGIC = 'PAR1';

/**
 * Reads a reference: Parquet, JSON Lines or CSV with a header, told apart by its first bytes. Columns nobody asked for are ignored.
 *
 * @throws ContractError `invalid_request`, naming row and column
 */
export async function readReference(path: string, wanted: ReadonlyMap<string, ColumnKind>): Promise<ReferenceTable> {
  const table = new TableBuilder(wanted);
  const head = await readHead(path);
  if (head.startsWith(PARQUET_MAGIC)) await readParquet(path, [...wanted.keys()], table);
  else if (/^\s*\{/.test(head)) readJsonLines(await readText(path), table);
  else readCsv(await readText(path), table);
  return table.finish();
}

async function readParquet(path: string, wanted: string[], table: TableBuilder): Promise<void> {
  try {
    const file = await asyncBufferFromFile(path);
    const metadata = await parquetMetadataAsync(file);
    if (metadata.num_rows > MAX_REFERENCE_ROWS) throw badReference(`it has ${metadata.num_rows} rows, more than ${MAX_REFERENCE_ROWS}`, 'Send a random sample.');
    table.expectColumns(parquetSchema(metadata).children.map(({ element }) => element.name));
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const rows = await parquetReadObjects({ file, metadata, columns: wanted, rowStart, rowEnd, compressors });
      for (const row of rows) table.addRow((column) => row[column]);
      rowStart = rowEnd;
    }
  } catch (error) {
    throw unreadable(error, 'Parquet');
  }
}

function readJsonLines(text: string, table: TableBuilder): void {
  let line = 0;
  // A row may leave a missing value out, so that only the whole file shows which columns there are.
  const seen = new Set<string>();
  for (const json of lines(text)) {
    line += 1;
    if (json.trim() === '') continue;
    const row = parseObject(json, line);
    table.addRow((column) => {
      if (!Object.hasOwn(row, column)) return undefined;
      seen.add(column);
      return row[column];
    });
  }
  if (line > 0) table.expectColumns(seen);
}

function readCsv(text: string, table: TableBuilder): void {
  let header: Map<string, number> | undefined;
  try {
    parseCsv(text, (fields) => {
      if (header === undefined) {
        header = new Map(fields.map((name, index) => [name.trim(), index]));
        table.expectColumns(header.keys());
        return;
      }
      const positions = header;
      table.addRow((column) => fields[positions.get(column)!]);
    });
  } catch (error) {
    throw unreadable(error, 'CSV');
  }
}

function parseObject(json: string, line: number): Record<string, unknown> {
  try {
    const row: unknown = JSON.parse(json);
    if (row !== null && typeof row === 'object' && !Array.isArray(row)) return row as Record<string, unknown>;
  } catch {
    // answered below
  }
  throw badReference(`line ${line} is not a JSON object`, 'JSON Lines: one object a line, one key a feature.');
}

function* lines(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf('\n', start);
    yield text.slice(start, end === -1 ? text.length : end);
    start = end === -1 ? text.length : end + 1;
  }
}

function unreadable(error: unknown, format: string): unknown {
  const isOurs = error instanceof Error && error.name === 'ContractError';
  return isOurs ? error : badReference(`it is not valid ${format}: ${(error as Error).message}`, 'Send Parquet, JSON Lines, or CSV with a header.');
}

async function readHead(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function readText(path: string): Promise<string> {
  const handle = await open(path, 'r');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await handle.readFile());
  } catch (error) {
    throw error instanceof TypeError ? badReference('it is not UTF-8', 'Send Parquet, or text in UTF-8.') : error;
  } finally {
    await handle.close();
  }
}
