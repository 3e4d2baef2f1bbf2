import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsInstant } from '@throughline/http';
import { Transform, Type } from 'class-transformer';
import { IsBoolean, IsIn, IsInt, IsNotEmpty, IsNumber, IsObject, IsOptional, IsString, Matches, Max, MaxLength, Min, MinLength, ValidateIf, ValidateNested } from 'class-validator';
import type { PredictionState } from '../../domain/prediction.js';
import { OUTCOME_STATES, TIMED, type PredictionFilter } from '../domain/filter.js';

const INSTANT = { example: '2001-02-01T00:00:00Z', description: 'event time of the request, RFC 3339' };
const STATES = ['scored', 'fallback', 'rejected'] as const satisfies PredictionState[];
const ROLES = ['champion', 'challenger', 'pinned'] as const;
const LANES = ['stream', 'batch', 'http'] as const;
const toBoolean = ({ value }: { value: unknown }): unknown => (value === 'true' ? true : value === 'false' ? false : value);

const Text = (description: string, more: { example?: string } = {}): PropertyDecorator => all(ApiPropertyOptional({ description, ...more }), IsOptional(), IsString(), MinLength(1), MaxLength(1000));
const Amount = (description: string): PropertyDecorator => all(ApiPropertyOptional({ description, type: Number }), IsOptional(), Type(() => Number), IsNumber());
const OneOf = (description: string, values: readonly string[]): PropertyDecorator => all(ApiPropertyOptional({ description, enum: values }), IsOptional(), IsIn(values));
const isTimed = ({ stage, minStageMs }: PredictionFilter): boolean => stage !== undefined || minStageMs !== undefined;

function all(...decorators: PropertyDecorator[]): PropertyDecorator {
  return (target, key) => decorators.forEach((decorate) => decorate(target, key));
}

/** A filter as it comes in, in an address or in a body. */
export class FilterFields implements PredictionFilter {
  @Text('model that was asked', { example: 'flight-delay' })
  model?: string;

  @Text('version that answered')
  version?: string;

  @ApiPropertyOptional({ ...INSTANT, description: `${INSTANT.description}; inclusive` }) @IsOptional() @IsInstant()
  from?: string;

  @ApiPropertyOptional({ ...INSTANT, description: `${INSTANT.description}; exclusive` }) @IsOptional() @IsInstant()
  to?: string;

  @ApiPropertyOptional({ description: 'so far back in event time from the newest prediction of each model, such as 90m, 24h, 7d or 2w' }) @IsOptional() @Matches(/^\d{1,6}\s?[mhdw]$/, { message: 'last must be such as 90m, 24h, 7d or 2w' })
  last?: string;

  @Text('role and id of an entity, such as origin:SFO; or an id in any role')
  entity?: string;

  @Text('the request’s routing key')
  routingKey?: string;

  @Text('team that asked', { example: 'ground-operations' })
  team?: string;

  @OneOf('how the request ended', STATES)
  state?: PredictionState;

  @Text('error code of the rejection')
  code?: string;

  @Text('kind of the fallback that answered')
  fallback?: string;

  @OneOf('role of the version that answered', ROLES)
  role?: (typeof ROLES)[number];

  @OneOf('how the request came', LANES)
  lane?: (typeof LANES)[number];

  @OneOf('whether the outcome is known; joined includes assumed ones', OUTCOME_STATES)
  outcome?: (typeof OUTCOME_STATES)[number];

  @ApiPropertyOptional({ description: 'whether the decision was wrong; of decisions whose outcome is known', type: Boolean }) @IsOptional() @Transform(toBoolean) @IsBoolean()
  wrong?: boolean;

  @Amount('least distance of the score from the outcome')
  minAbsError?: number;

  @Amount('least score')
  minScore?: number;

  @Amount('greatest score')
  maxScore?: number;

  @Amount('least that the decision was worth, in millionths of a dollar')
  minValueMicroUsd?: number;

  @Amount('most that the decision was worth, in millionths of a dollar')
  maxValueMicroUsd?: number;

  @OneOf('stage that minStageMs is about; total by default', TIMED)
  stage?: (typeof TIMED)[number];

  /** Without it a stage asks nothing, and everything would match. */
  @ApiPropertyOptional({ description: 'least milliseconds that the stage took; needed with stage', type: Number }) @ValidateIf(isTimed) @Type(() => Number) @IsNumber({}, { message: 'minStageMs must be a number, the least milliseconds that the stage took' })
  minStageMs?: number;
}

export class ListingQuery extends FilterFields {
  @ApiPropertyOptional({ description: 'CloudEvents source of the request; with requestId' }) @IsOptional() @IsString() @MaxLength(1000)
  source?: string;

  @ApiPropertyOptional({ description: 'CloudEvents id of the request; with source' }) @IsOptional() @IsString() @MaxLength(1000)
  requestId?: string;

  @ApiPropertyOptional({ default: 100, maximum: 1000 }) @Type(() => Number) @IsInt() @Min(1) @Max(1000)
  limit: number = 100;

  @ApiPropertyOptional({ description: 'nextCursor of the page before' }) @IsOptional() @IsString() @MaxLength(200)
  cursor?: string;
}

const LIMIT = { default: 1_000_000, maximum: 10_000_000, description: 'rows at most, oldest first' };

export class ExportBody extends OmitType(FilterFields, ['model'] as const) {
  @ApiProperty({ example: 'flight-delay' }) @IsString() @IsNotEmpty() @MaxLength(200)
  model!: string;

  @ApiPropertyOptional({ default: false, description: 'only predictions whose outcome is known' }) @IsOptional() @IsBoolean()
  joinedOnly?: boolean;

  @ApiPropertyOptional(LIMIT) @IsOptional() @IsInt() @Min(1) @Max(10_000_000)
  limit?: number;
}

export class SavedPageQuery {
  @ApiPropertyOptional({ default: 100, maximum: 1000 }) @Type(() => Number) @IsInt() @Min(1) @Max(1000)
  limit: number = 100;

  @ApiPropertyOptional({ description: 'nextCursor of the page before' }) @IsOptional() @IsString() @MaxLength(200)
  cursor?: string;
}

export class SavedQueryBody {
  @ApiProperty({ type: FilterFields, example: { model: 'flight-delay', wrong: true, last: '24h' } }) @IsObject() @ValidateNested() @Type(() => FilterFields)
  filter!: FilterFields;
}

export class SavedExportBody {
  @ApiPropertyOptional({ ...LIMIT, example: 100_000 }) @IsOptional() @IsInt() @Min(1) @Max(10_000_000)
  limit?: number;
}
