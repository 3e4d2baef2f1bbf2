import { StreamableFile } from '@nestjs/common';
import type { Export } from '../store/exports.js';
import { parquetStream } from './parquet-stream.js';

export const PARQUET = 'application/vnd.apache.parquet';
export const PARQUET_CONTENT = { [PARQUET]: { schema: { type: 'string', format: 'binary' } } };

/** An export as a file to be saved under this name. */
export const parquetFile = (name: string, { columns, rows }: Export): StreamableFile =>
  new StreamableFile(parquetStream(columns, rows), { type: PARQUET, disposition: `attachment; filename="${encodeURIComponent(name)}.parquet"` });
