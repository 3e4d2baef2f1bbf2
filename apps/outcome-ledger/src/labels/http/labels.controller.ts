import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { IsInstant, Problems } from '@throughline/http';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { Labels } from '../labels.js';
import { LABELS } from './schemas.js';

export class LabelsQuery {
  @ApiProperty({ example: 'flight-delay' }) @IsString() @IsNotEmpty() @MaxLength(200)
  model!: string;

  @ApiPropertyOptional({ example: '2001-01-01T00:00:00Z', description: 'event time of the predictions, RFC 3339, inclusive; by default 30 days, and the model’s maturity, before to' }) @IsOptional() @IsInstant()
  from?: string;

  @ApiPropertyOptional({ example: '2001-02-01T00:00:00Z', description: 'event time, RFC 3339, exclusive; by default to the newest' }) @IsOptional() @IsInstant()
  to?: string;
}

@ApiTags('labels')
@Controller('ledger/v1/labels')
export class LabelsController {
  constructor(@Inject(Labels) private readonly labels: Labels) {}

  @Get()
  @ApiOperation({ summary: 'Which outcomes of a model are known, which are due, and how long they take: coverage among matured predictions, delays by Kaplan and Meier; no label yet is never counted as negative' })
  @ApiOkResponse({ schema: LABELS })
  @Problems('not_found')
  async report(@Query() { model, from, to }: LabelsQuery): Promise<object> {
    const { fromMs, toMs, nowMs, maturitySeconds, ...report } = await this.labels.report({ model, fromMs: epochMs(from), toMs: epochMs(to) }, Date.now());
    return { model, from: new Date(fromMs), to: new Date(toMs), now: new Date(nowMs), maturitySeconds: maturitySeconds ?? null, total: report.total, versions: report.versions, days: report.days, curve: report.curve };
  }
}

const epochMs = (instant: string | undefined): number | undefined => (instant === undefined ? undefined : Date.parse(instant));
