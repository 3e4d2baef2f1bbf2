import { extname } from 'node:path';
import { ContractError } from '@throughline/contracts';

export const FORMATS = ['csv', 'jsonl', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

const BY_EXTENSION: Readonly<Record<string, Format>> = { '.csv': 'csv', '.jsonl': 'jsonl', '.ndjson': 'jsonl', '.parquet': 'parquet', '.pq': 'parquet' };

/**
 * The format that is given, else the one that the name of the file ends with.
 *
 * @throws ContractError `invalid_request`
 */
export function formatOf(file: string, given: Format | undefined, option: string): Format {
  const format = given ?? BY_EXTENSION[extname(file).toLowerCase()];
  if (format === undefined) throw new ContractError('invalid_request', `the name of ${file} does not say its format`, { cure: `Give ${option}: ${FORMATS.join(', ')}.` });
  return format;
}
