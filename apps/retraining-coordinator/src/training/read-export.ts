import { ContractError, type FeatureSpec } from '@throughline/contracts';
import { parquetMetadataAsync, parquetRead, type FileMetaData } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import type { LabelledRows } from '../domain/training-set.js';

/** Columns of the ledger's export that are not features; a feature called like one of them is exported as `feature.<name>`. */
const FIXED = ['occurred_at', 'outcome', 'score', 'version'] as const;
/** Kind of the fallback that answered; a ledger of before has no such column. */
const FALLBACK = 'fallback';
const LEDGER_COLUMNS = new Set(['prediction_id', 'model', 'version', 'role', 'occurred_at', 'requested_at', 'score', 'outcome', 'outcome_text', FALLBACK]);

type Cell = string | number | bigint | boolean | Date | null | undefined;

/** Rows of a Parquet file, without reading them. */
export async function exportedRowCount(parquet: ArrayBuffer): Promise<number> {
  return Number((await metadataOf(parquet)).num_rows);
}

/**
 * Reads the ledger's export: the rows whose outcome is 0 or 1 and that the model itself answered. A feature that a row or the whole file does not have is missing there.
 *
 * @throws ContractError `unavailable` when the bytes are not the Parquet file agreed on
 */
export async function readExport(parquet: ArrayBuffer, features: readonly Pick<FeatureSpec, 'name'>[]): Promise<LabelledRows> {
  const metadata = await metadataOf(parquet);
  const present = new Set(metadata.schema.map(({ name }) => name));
  const absent = FIXED.find((name) => !present.has(name));
  if (absent !== undefined) throw new ContractError('unavailable', `the ledger's export has no column ${absent}`);
  const featureColumns = features.map(({ name }) => (LEDGER_COLUMNS.has(name) ? `feature.${name}` : name));
  const columns = await readColumns(parquet, metadata, [...FIXED, ...[FALLBACK, ...featureColumns].filter((name) => present.has(name))]);
  return labelled(Number(metadata.num_rows), columns, featureColumns);
}

async function metadataOf(parquet: ArrayBuffer): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(parquet);
  } catch (cause) {
    throw new ContractError('unavailable', `the ledger's export is not Parquet: ${(cause as Error).message}`, { cause });
  }
}

async function readColumns(file: ArrayBuffer, metadata: FileMetaData, columns: string[]): Promise<Map<string, Cell[]>> {
  const read = new Map(columns.map((name) => [name, new Array<Cell>(Number(metadata.num_rows)).fill(null)]));
  await parquetRead({
    file, metadata, columns, compressors,
    onChunk: ({ columnName, columnData, rowStart }) => {
      const into = read.get(columnName)!;
      for (let i = 0; i < columnData.length; i += 1) into[rowStart + i] = columnData[i] as Cell;
    },
  });
  return read;
}

function labelled(exported: number, columns: ReadonlyMap<string, Cell[]>, featureColumns: readonly string[]): LabelledRows {
  const outcomes = columns.get('outcome')!;
  const usable: number[] = [];
  // The score of a fallback's answer is not the model's, and features it may have none.
  const fallbacks = columns.get(FALLBACK);
  for (let row = 0; row < exported; row += 1) if ((outcomes[row] === 0 || outcomes[row] === 1) && (fallbacks?.[row] ?? null) === null) usable.push(row);
  const width = featureColumns.length;
  const values = new Float64Array(usable.length * width).fill(NaN);
  featureColumns.forEach((name, column) => {
    const cells = columns.get(name);
    if (cells === undefined) return;
    usable.forEach((row, index) => (values[index * width + column] = toNumber(cells[row])));
  });
  const timeOf = (row: number): number => new Date(columns.get('occurred_at')![row] as Date).getTime();
  return {
    rowCount: usable.length, width, values,
    labels: Uint8Array.from(usable, (row) => outcomes[row] as number),
    occurredAtMs: Float64Array.from(usable, timeOf),
    scores: Float64Array.from(usable, (row) => toNumber(columns.get('score')![row])),
    versions: usable.map((row) => String(columns.get('version')![row])),
  };
}

/** Infinities cannot be trained on; for a model of sums they are as good as missing. */
function toNumber(cell: Cell): number {
  if (cell === null || cell === undefined) return NaN;
  const number = Number(cell);
  return Number.isFinite(number) ? number : NaN;
}
