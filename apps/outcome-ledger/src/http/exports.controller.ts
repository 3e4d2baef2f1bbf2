import { Body, Controller, Header, HttpCode, Post, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Exports } from '../store/exports.js';
import { ExportBody } from './dto.js';
import { parquetStream } from './parquet-stream.js';

const PARQUET = 'application/vnd.apache.parquet';
const DEFAULT_LIMIT = 1_000_000;

@ApiTags('exports')
@Controller('ledger/v1/exports')
export class ExportsController {
  constructor(private readonly exports: Exports) {}

  @Post()
  @HttpCode(200)
  @Header('content-type', PARQUET)
  @ApiOperation({ summary: 'Predictions, features as used and outcomes as Parquet, by event time, oldest first' })
  @ApiOkResponse({ description: 'Columns prediction_id, model, version, role, occurred_at, requested_at, score, outcome, outcome_text, fallback (its kind, where one answered), and one a feature', content: { [PARQUET]: { schema: { type: 'string', format: 'binary' } } } })
  async export(@Body() { model, from = '-infinity', to = 'infinity', joinedOnly = false, version, limit = DEFAULT_LIMIT }: ExportBody): Promise<StreamableFile> {
    const { columns, rows } = await this.exports.open({ model, from, to, joinedOnly, version, limit });
    return new StreamableFile(parquetStream(columns, rows), { type: PARQUET, disposition: `attachment; filename="${encodeURIComponent(model)}.parquet"` });
  }
}
