import { zstdDecompressSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead, parquetSchema, type AsyncBuffer, type ColumnData, type FileMetaData, type SchemaTree } from 'hyparquet';
import { compressors as theirs } from 'hyparquet-compressors';
import type { Column, ColumnType, InputRow } from '../../domain/score/rows.js';
import { BLOCK_ROWS, cannotRead, type RowSource } from './source.js';

// Node's own decoder is native; the JavaScript one is several times slower.
const compressors = { ...theirs, ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };

/**
 * Parquet, one row group in memory at a time, in columns.
 *
 * @throws ContractError `invalid_request` when it is not Parquet
 */
export async function openParquet(file: string): Promise<RowSource> {
  const reading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotRead(file, `it is not valid Parquet: ${(error as Error).message}`, 'Write it again, or convert it to JSON Lines or CSV.');
    }
  };
  const buffer = await asyncBufferFromFile(file);
  const metadata = await reading(() => parquetMetadataAsync(buffer));
  const tree = parquetSchema(metadata).children;
  const columns: Column[] = tree.map((node) => ({ name: node.element.name, type: typeOf(node) }));
  return {
    columns, rowCount: Number(metadata.num_rows),
    async *rows(needed): AsyncGenerator<readonly InputRow[]> {
      let firstRow = 0;
      for (const group of metadata.row_groups) {
        const count = Number(group.num_rows);
        const from = firstRow;
        const read = await reading(() => readGroup(buffer, metadata, columns.filter(({ name }) => needed.has(name)).map(({ name }) => name), from, count));
        yield* blocksOf(columns.map(({ name }) => read.get(name)), count);
        firstRow += count;
      }
    },
  };
}

type Cells = ArrayLike<unknown>;

async function readGroup(file: AsyncBuffer, metadata: FileMetaData, names: string[], firstRow: number, count: number): Promise<Map<string, Cells>> {
  if (names.length === 0) return new Map();
  const chunks = new Map<string, ColumnData[]>(names.map((name) => [name, []]));
  await parquetRead({ file, metadata, columns: names, rowStart: firstRow, rowEnd: firstRow + count, compressors, onChunk: (chunk) => void chunks.get(chunk.columnName)?.push(chunk) });
  return new Map(Array.from(chunks, ([name, found]) => [name, whole(found)]));
}

function whole(chunks: ColumnData[]): Cells {
  if (chunks.length === 1) return chunks[0]!.columnData;
  const cells: unknown[] = [];
  for (const { columnData } of chunks.toSorted((a, b) => a.rowStart - b.rowStart)) for (let index = 0; index < columnData.length; index += 1) cells.push(columnData[index]);
  return cells;
}

function* blocksOf(columns: readonly (Cells | undefined)[], count: number): Generator<InputRow[]> {
  for (let start = 0; start < count; start += BLOCK_ROWS) {
    const size = Math.min(BLOCK_ROWS, count - start);
    yield Array.from({ length: size }, (_, index) => ({ cells: columns.map((cells) => cells?.[start + index]) }));
  }
}

/** As which it is written again. */
function typeOf({ element, children }: SchemaTree): ColumnType {
  if (children.length > 0 || element.repetition_type === 'REPEATED') return 'JSON';
  const { type, converted_type: converted, logical_type: logical } = element;
  if (converted === 'JSON' || logical?.type === 'JSON') return 'JSON';
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL' || logical?.type === 'FLOAT16') return 'DOUBLE';
  if (converted === 'DATE' || logical?.type === 'DATE' || type === 'INT96' || logical?.type === 'TIMESTAMP' || converted?.startsWith('TIMESTAMP') === true) return 'TIMESTAMP';
  // Beyond 63 bits only text holds every value.
  if (converted === 'UINT_64' || (logical?.type === 'INTEGER' && logical.bitWidth === 64 && !logical.isSigned)) return 'STRING';
  if (converted === 'UINT_32' || (logical?.type === 'INTEGER' && logical.bitWidth === 32 && !logical.isSigned)) return 'INT64';
  return type === 'BOOLEAN' || type === 'INT32' || type === 'INT64' || type === 'FLOAT' || type === 'DOUBLE' ? type : 'STRING';
}
