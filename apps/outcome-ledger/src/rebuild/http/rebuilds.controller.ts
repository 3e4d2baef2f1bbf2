import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { IsInstant, Problems } from '@throughline/http';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { ModelClocks, NAMES } from '../../labels/model-clocks.js';
import { RebuildStore, type Rebuild } from '../rebuild-store.js';
import { REBUILD, REBUILDS } from './schemas.js';
import { checkedId } from '../../http/checked-id.js';
import { checkPeriod } from '../../http/checked-period.js';

export class RebuildBody {
  @ApiProperty({ example: 'flight-delay' }) @IsString() @IsNotEmpty() @MaxLength(200)
  model!: string;

  @ApiProperty({ example: '2001-01-01T00:00:00Z', description: 'event time of the predictions, RFC 3339, inclusive' }) @IsInstant()
  from!: string;

  @ApiProperty({ example: '2001-02-01T00:00:00Z', description: 'event time of the predictions, RFC 3339, exclusive' }) @IsInstant()
  to!: string;

  @ApiPropertyOptional({ example: 'the consumers lost their state' }) @IsOptional() @IsString() @MaxLength(1000)
  reason?: string;
}

export class RebuildsQuery {
  @ApiPropertyOptional({ example: 'flight-delay' }) @IsOptional() @IsString() @MaxLength(200)
  model?: string;
}

@ApiTags('rebuilds')
@Controller('ledger/v1/rebuilds')
export class RebuildsController {
  constructor(
    @Inject(RebuildStore) private readonly rebuilds: RebuildStore,
    @Inject(ModelClocks) private readonly clocks: ModelClocks,
  ) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Tell the joins of a period again on outcome.joined, as the model’s declaration of today judges them: unchanged ones under their ids, the others as corrections' })
  @ApiAcceptedResponse({ schema: REBUILD })
  @Problems('not_found', 'conflict')
  async start(@Body() { model, from, to, reason }: RebuildBody): Promise<Rebuild> {
    checkPeriod(Date.parse(from), Date.parse(to));
    if ((await this.clocks.of(model, Date.now())) === undefined) throw new ContractError('not_found', `the ledger has no prediction of a model ${model}`, { cure: NAMES });
    return this.rebuilds.start({ rebuildId: randomUUID(), model, from, to, reason });
  }

  @Get()
  @ApiOperation({ summary: 'The last hundred, newest first' })
  @ApiOkResponse({ schema: REBUILDS })
  async list(@Query() { model }: RebuildsQuery): Promise<{ rebuilds: Rebuild[] }> {
    return { rebuilds: await this.rebuilds.list(model) };
  }

  @Get(':rebuildId')
  @ApiOperation({ summary: 'How far one is' })
  @ApiOkResponse({ schema: REBUILD })
  @Problems('not_found')
  async get(@Param('rebuildId') given: string): Promise<Rebuild> {
    return this.rebuilds.get(checkedId(given, 'rebuildId'));
  }

  @Post(':rebuildId/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'End one before its end; what was told stays told' })
  @ApiOkResponse({ schema: REBUILD })
  @Problems('not_found')
  async cancel(@Param('rebuildId') given: string): Promise<Rebuild> {
    return this.rebuilds.cancel(checkedId(given, 'rebuildId'));
  }
}
