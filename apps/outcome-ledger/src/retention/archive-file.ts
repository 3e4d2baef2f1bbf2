import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { parquetStream } from '../http/parquet-stream.js';
import type { ArchiveColumn, ArchiveValue } from './domain/archive.js';

export interface ArchivedFile {
  /** Beneath the archive's folder. */
  readonly path: string;
  readonly model: string;
  readonly kind: 'predictions' | 'shadows';
  readonly rows: number;
  readonly sizeBytes: number;
}

export type ArchiveRow = Readonly<Record<string, ArchiveValue>>;

/**
 * Writes one Parquet file so that it is there whole or not at all, whatever fails: under another name first, synced, read again and counted, and only
 * then under its own. A file that an earlier attempt left is replaced.
 *
 * @throws when the file cannot be written, or does not hold what was written; nothing is left of it then
 */
export async function writeArchive(folder: string, path: string, columns: readonly ArchiveColumn[], rows: AsyncIterable<ArchiveRow>): Promise<Pick<ArchivedFile, 'rows' | 'sizeBytes'>> {
  const target = join(folder, path);
  const partial = join(dirname(target), `.${basename(target)}.partial`);
  await mkdir(dirname(target), { recursive: true });
  try {
    const written = new Tally();
    await pipeline(parquetStream(columns, counted(rows, written)), createWriteStream(partial, { flush: true }));
    const found = await tallyOfFile(partial);
    if (found.rows !== written.rows || found.sum !== written.sum) throw new Error(`${path} does not hold the ${written.rows} rows that were written when it is read again`);
    const { size } = await stat(partial);
    await rename(partial, target);
    await syncFolder(dirname(target));
    return { rows: written.rows, sizeBytes: size };
  } catch (error) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** What is compared between what was written and what is read again: how many rows, and a sum over their ids. */
class Tally {
  rows = 0;
  sum = 0;

  add(predictionId: string): void {
    this.rows += 1;
    this.sum = (this.sum + Number.parseInt(predictionId.slice(0, ID_DIGITS), 16)) % SUM_MODULUS;
  }
}

const ID_DIGITS = 8;
const SUM_MODULUS = 2 ** 52;

async function* counted(rows: AsyncIterable<ArchiveRow>, tally: Tally): AsyncGenerator<ArchiveRow> {
  for await (const row of rows) {
    tally.add(row['prediction_id'] as string);
    yield row;
  }
}

/** Reads the ids back, a row group at a time. */
async function tallyOfFile(path: string): Promise<Tally> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const tally = new Tally();
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    for (const row of await parquetReadObjects({ file, metadata, columns: ['prediction_id'], rowStart, rowEnd })) tally.add(row['prediction_id'] as string);
    rowStart = rowEnd;
  }
  return tally;
}

/** A rename is durable when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
