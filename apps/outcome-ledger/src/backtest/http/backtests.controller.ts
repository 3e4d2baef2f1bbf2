import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { Problems } from '@throughline/http';
import { Backtests, type Backtest } from '../backtests.js';
import { Candidates } from '../candidates.js';
import { BacktestBody, BacktestsQuery, requestOf } from './backtest.dto.js';
import { BACKTEST, BACKTESTS } from './backtest.schema.js';

const PARQUET = 'application/vnd.apache.parquet';
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

@ApiTags('backtests')
@Controller('ledger/v1/backtests')
export class BacktestsController {
  constructor(@Inject(Backtests) private readonly backtests: Backtests, @Inject(Candidates) private readonly candidates: Candidates) {}

  @Post()
  @HttpCode(201)
  @ApiOperation({ summary: 'What a version, or rules, would have decided and earned on the predictions of a past period; a job' })
  @ApiCreatedResponse({ schema: BACKTEST })
  @Problems('unknown_version', 'archived', 'rules_invalid', 'overloaded')
  async start(@Body() body: BacktestBody): Promise<Backtest> {
    const request = requestOf(body);
    // What cannot be tried is said at once.
    await this.candidates.find(request.model, request.candidate);
    return this.backtests.add(randomUUID(), request);
  }

  @Get()
  @ApiOperation({ summary: 'Backtests, newest first, without their reports' })
  @ApiOkResponse({ schema: BACKTESTS })
  async list(@Query() { model, limit }: BacktestsQuery): Promise<{ backtests: Backtest[] }> {
    return { backtests: await this.backtests.list(model, limit) };
  }

  @Get(':backtestId')
  @ApiOperation({ summary: 'A backtest: how far it is, and its report once it is done' })
  @ApiOkResponse({ schema: BACKTEST })
  async read(@Param('backtestId') backtestId: string): Promise<Backtest> {
    return this.backtests.get(checked(backtestId));
  }

  @Post(':backtestId/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'End a backtest; one that has ended stays as it ended' })
  @ApiOkResponse({ schema: BACKTEST })
  async cancel(@Param('backtestId') backtestId: string): Promise<Backtest> {
    return this.backtests.cancel(checked(backtestId));
  }

  @Get(':backtestId/rows')
  @ApiOperation({ summary: 'What the candidate would have done, prediction by prediction, as Parquet' })
  @ApiOkResponse({ description: 'Columns prediction_id, occurred_at, version, role, fallback, propensity, served_score, served_decision, status, candidate_score, candidate_decision, outcome, served_reward, candidate_reward, weight', content: { [PARQUET]: { schema: { type: 'string', format: 'binary' } } } })
  @Problems('conflict')
  async rows(@Param('backtestId') backtestId: string): Promise<StreamableFile> {
    const id = checked(backtestId);
    return new StreamableFile(Readable.from(await this.backtests.file(id)), { type: PARQUET, disposition: `attachment; filename="backtest-${id}.parquet"` });
  }
}

function checked(id: string): string {
  if (!UUID.test(id)) throw new ContractError('invalid_request', 'backtestId is not a UUID');
  return id.toLowerCase();
}
