import { open, type FileHandle } from 'node:fs/promises';
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import type { ColumnType } from '../../domain/score/rows.js';
import { jsonValue } from './text.js';
import type { ResultRow, TableWriter } from './writer.js';

const ROW_GROUP_ROWS = 20_000;

/** Snappy, all columns optional. */
export const writeParquet: TableWriter = async (file, columns, blocks) => {
  const handle = await open(file, 'w');
  async function* rows(): AsyncGenerator<Record<string, unknown>> {
    for await (const block of blocks) for (const row of block) yield Object.fromEntries(columns.map(({ name, type }, index) => [name, parquetCell(row[index], type)]));
  }
  try {
    await parquetWriteRows({ writer: new FileWriter(handle), rows: rows(), columns: columns.map(({ name, type }) => ({ name, type, nullable: true })), rowGroupSize: ROW_GROUP_ROWS });
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Writes each finished row group away: memory holds one, however long the table. */
class FileWriter extends ByteWriter {
  constructor(private readonly handle: FileHandle) {
    super(1024 * 1024);
  }

  async flush(): Promise<void> {
    const bytes = Buffer.from(this.getBuffer());
    this.index = 0;
    await this.handle.appendFile(bytes);
  }

  override async finish(): Promise<void> {
    await this.flush();
  }
}

/** What the column cannot hold is left empty. */
function parquetCell(value: ResultRow[number], type: ColumnType): unknown {
  if (value === null || value === undefined) return undefined;
  switch (type) {
    case 'STRING':
      return typeof value === 'string' ? value : typeof value === 'object' ? JSON.stringify(jsonValue(value)) : String(value as number | bigint | boolean);
    case 'DOUBLE':
    case 'FLOAT':
      return Number(value);
    case 'INT32':
      return Number.isInteger(Number(value)) ? Number(value) : undefined;
    case 'INT64':
      return typeof value === 'bigint' ? value : /^-?\d+$/.test(String(value as string | number)) ? BigInt(value as string | number) : undefined;
    case 'BOOLEAN':
      return typeof value === 'boolean' ? value : undefined;
    case 'TIMESTAMP':
      return value instanceof Date && !Number.isNaN(value.getTime()) ? value : undefined;
    case 'JSON':
      return jsonValue(value);
  }
}
