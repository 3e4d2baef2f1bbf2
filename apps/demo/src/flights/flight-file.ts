import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet';
import type { AsyncBuffer, ColumnData, FileMetaData, RowGroup } from 'hyparquet';

/** One row as the file has it. */
export interface RawFlight {
  /** Position in the file, from 0. */
  row: number;
  /** Wall clock at the origin, as epoch milliseconds as if it were UTC. */
  stampMs: number;
  delayMinutes: number;
  distanceMiles: number;
  originId: string;
  destinationId: string;
}

const COLUMNS = ['date', 'delay', 'distance', 'origin', 'destination'] as const;
const parsers = { timestampFromMicroseconds: (micros: bigint) => Number(micros / 1000n) };
// Node's own decoder is native; the JavaScript one is several times slower.
const compressors = { ZSTD: (input: Uint8Array) => zstdDecompressSync(input) };

/** Path of the three million flights inside the package `vega-datasets`. */
export function flightFilePath(): string {
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  return join(dirname(main), '..', 'data', 'flights-3m.parquet');
}

/**
 * Yields the rows with a stamp from `fromStampMs` to before `toStampMs`, in the order of the file, which is the order of the stamps. One row
 * group (273,000 rows) is in memory at a time; those outside the range are not read.
 */
export async function* readRawFlights(fromStampMs: number, toStampMs: number, path = flightFilePath()): AsyncGenerator<RawFlight[]> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file, { parsers });
  let firstRow = 0;
  for (const group of metadata.row_groups) {
    const rowCount = Number(group.num_rows);
    const { earliest, latest } = stampRange(group);
    if (earliest < toStampMs && latest >= fromStampMs) {
      const columns = await readGroup(file, metadata, firstRow, firstRow + rowCount);
      yield* rowsInRange(columns, firstRow, fromStampMs, toStampMs);
    }
    firstRow += rowCount;
  }
}

function stampRange(group: RowGroup): { earliest: number; latest: number } {
  const statistics = group.columns.find((column) => column.meta_data?.path_in_schema[0] === 'date')?.meta_data?.statistics;
  const toMs = (bound: unknown, unknownMs: number) => (typeof bound === 'number' || bound instanceof Date ? Number(bound) : unknownMs);
  return { earliest: toMs(statistics?.min_value ?? statistics?.min, -Infinity), latest: toMs(statistics?.max_value ?? statistics?.max, Infinity) };
}

async function readGroup(file: AsyncBuffer, metadata: FileMetaData, rowStart: number, rowEnd: number): Promise<Map<string, ColumnData[]>> {
  const chunks = new Map<string, ColumnData[]>(COLUMNS.map((name) => [name, []]));
  const onChunk = (chunk: ColumnData) => chunks.get(chunk.columnName)!.push(chunk);
  await parquetRead({ file, metadata, columns: [...COLUMNS], rowStart, rowEnd, parsers, compressors, onChunk });
  return chunks;
}

/** Rows a yield: enough to make the price of an asynchronous step small, few enough to stay out of the old heap. */
const BLOCK_ROWS = 4096;

function* rowsInRange(chunks: Map<string, ColumnData[]>, firstRow: number, fromStampMs: number, toStampMs: number): Generator<RawFlight[]> {
  const [stamps, delays, distances, origins, destinations] = COLUMNS.map((name) => wholeColumn(chunks.get(name)!));
  let block: RawFlight[] = [];
  for (let index = 0; index < stamps!.length; index++) {
    const stampMs = Number(stamps![index]);
    if (stampMs < fromStampMs || stampMs >= toStampMs) continue;
    block.push({
      row: firstRow + index,
      stampMs,
      delayMinutes: Number(delays![index]),
      distanceMiles: Number(distances![index]),
      originId: String(origins![index]),
      destinationId: String(destinations![index]),
    });
    if (block.length < BLOCK_ROWS) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

function wholeColumn(chunks: ColumnData[]): ArrayLike<unknown> {
  if (chunks.length === 1) return chunks[0]!.columnData;
  return chunks.toSorted((a, b) => a.rowStart - b.rowStart).flatMap((chunk) => Array.from(chunk.columnData as ArrayLike<unknown>));
}
