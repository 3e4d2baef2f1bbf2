import { Body, Controller, Header, HttpCode, Post, type StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { ExportBody } from '../queries/http/dto.js';
import { Exports, MAX_EXPORTED } from '../store/exports.js';
import { PARQUET, PARQUET_CONTENT, parquetFile } from './parquet-file.js';


@ApiTags('exports')
@Controller('ledger/v1/exports')
export class ExportsController {
  constructor(private readonly exports: Exports) {}

  @Post()
  @HttpCode(200)
  @Header('content-type', PARQUET)
  @ApiOperation({ summary: 'Predictions, features as used and outcomes as Parquet, by event time, oldest first' })
  @ApiOkResponse({ description: 'Columns prediction_id, model, version, role, occurred_at, requested_at, score, outcome, outcome_text, fallback (its kind, where one answered), and one a feature', content: PARQUET_CONTENT })
  async export(@Body() { joinedOnly = false, limit = MAX_EXPORTED, ...filter }: ExportBody): Promise<StreamableFile> {
    if (joinedOnly && filter.outcome === 'pending') throw new ContractError('invalid_request', 'joinedOnly and outcome=pending exclude each other');
    return parquetFile(filter.model, await this.exports.open(joinedOnly ? { outcome: 'joined', ...filter } : filter, limit));
  }
}
