import { parse, type CsvError } from 'csv-parse';
import { unreadable, type Column, type InputRow } from '../../domain/score/rows.js';
import { BLOCK_ROWS, cannotRead, ROW_MAX_CHARACTERS, type RowSource } from './source.js';
import { textOfFile } from './text.js';

/** A record and the line it ends on. */
interface Parsed {
  readonly fields: readonly string[];
  readonly line: number;
}

/**
 * CSV with a header; empty lines are no rows. It is read once to count: what is wrong with the file as a whole is found before anything is sent.
 *
 * @throws ContractError `invalid_request`
 */
export async function openCsv(file: string, onProgress: (rows: number) => void): Promise<RowSource> {
  let columns: Column[] | undefined;
  let rowCount = 0;
  for await (const records of recordsOf(file)) {
    columns ??= columnsOf(file, records[0]!.fields);
    rowCount += records.length;
    onProgress(rowCount);
  }
  if (columns === undefined) throw cannotRead(file, 'it is empty', 'A CSV file begins with a header.');
  const width = columns.length;
  return {
    columns, rowCount: rowCount - 1,
    async *rows(): AsyncGenerator<readonly InputRow[]> {
      let isFirst = true;
      for await (const records of recordsOf(file)) {
        const rows = (isFirst ? records.slice(1) : records).map((record) => rowOf(record, width));
        isFirst = false;
        if (rows.length > 0) yield rows;
      }
    },
  };
}

function columnsOf(file: string, header: readonly string[]): Column[] {
  // The index that pandas writes has no name.
  const names = header.map((name, index) => name.trim() || `column_${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw cannotRead(file, `two columns are called “${twice}”`, 'Give every column a name of its own.');
  return names.map((name) => ({ name, type: 'STRING' }));
}

function rowOf({ fields, line }: Parsed, width: number): InputRow {
  if (fields.length === width) return { cells: fields };
  return unreadable('schema_invalid', `the record that ends on line ${line} has ${fields.length} fields, the header has ${width}`, fields.join(','));
}

/** Records in blocks. The parser works while it is written to, so that what a piece of text brings is there when the piece is taken. */
async function* recordsOf(file: string): AsyncGenerator<Parsed[]> {
  let records: Parsed[] = [];
  let failure: CsvError | Error | undefined;
  const parser = parse({
    bom: true, skip_empty_lines: true, max_record_size: ROW_MAX_CHARACTERS,
    // A quote in the wrong place is taken for a character, records of any width come through: their rows are judged one by one.
    relax_column_count: true, relax_quotes: true,
    on_record: (fields: string[], { lines }) => {
      records.push({ fields, line: lines });
      return null;
    },
  });
  parser.on('error', (error) => (failure = error));
  parser.resume();
  const check = (): void => {
    if (failure !== undefined) throw cannotRead(file, failure.message, 'Look for a quote that is never closed.');
  };
  for await (const text of textOfFile(file)) {
    await new Promise<void>((resolve) => parser.write(text, () => resolve()));
    check();
    if (records.length < BLOCK_ROWS) continue;
    yield records;
    records = [];
  }
  await new Promise<void>((resolve) => parser.once('close', resolve).end());
  check();
  if (records.length > 0) yield records;
}
