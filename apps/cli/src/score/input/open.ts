import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Format } from '../formats.js';
import { openCsv } from './csv.js';
import { openJsonLines } from './jsonl.js';
import { openParquet } from './parquet.js';
import { cannotRead, type RowSource } from './source.js';

export interface OpenInput {
  readonly source: RowSource;
  readonly sha256: string;
}

/**
 * Reads the file once, to know its columns, the number of its rows and its hash.
 *
 * @throws ContractError `invalid_request`: no file, not readable, no rows, not of its format
 */
export async function openInput(file: string, format: Format, onProgress: (doing: string) => void): Promise<OpenInput> {
  await checkFile(file);
  const onRows = (rows: number): void => onProgress(`reading ${file}: ${rows.toLocaleString('en-US')} rows`);
  const source = await (format === 'csv' ? openCsv(file, onRows) : format === 'jsonl' ? openJsonLines(file, onRows) : openParquet(file));
  if (source.rowCount === 0) throw cannotRead(file, 'it has no rows', 'There is nothing to score.');
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return { source, sha256: hash.digest('hex') };
}

async function checkFile(file: string): Promise<void> {
  let reason: string | undefined;
  try {
    const found = await stat(file);
    if (!found.isFile()) reason = 'it is no file';
    else if (found.size === 0) reason = 'it is empty';
  } catch (error) {
    reason = (error as Error).message;
  }
  if (reason !== undefined) throw cannotRead(file, reason, 'Check the path.');
}
