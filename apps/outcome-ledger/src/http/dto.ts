import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInstant } from '@throughline/http';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsNotEmpty, IsOptional, IsString, IsUUID, Max, MaxLength, Min } from 'class-validator';
import type { PredictionState } from '../domain/prediction.js';

const INSTANT = { example: '2001-02-01T00:00:00Z', description: 'event time of the request, RFC 3339' };

const STATES = ['scored', 'fallback', 'rejected'] as const satisfies PredictionState[];

export class ListingQuery {
  @ApiPropertyOptional({ example: 'flight-delay' }) @IsOptional() @IsString() @MaxLength(200)
  model?: string;

  @ApiPropertyOptional({ ...INSTANT, description: `${INSTANT.description}; inclusive` }) @IsOptional() @IsInstant()
  from?: string;

  @ApiPropertyOptional({ ...INSTANT, description: `${INSTANT.description}; exclusive` }) @IsOptional() @IsInstant()
  to?: string;

  @ApiPropertyOptional({ enum: ['joined', 'pending'] }) @IsOptional() @IsIn(['joined', 'pending'])
  outcome?: 'joined' | 'pending';

  @ApiPropertyOptional({ enum: STATES, description: 'how the request ended' }) @IsOptional() @IsIn(STATES)
  state?: PredictionState;

  @ApiPropertyOptional({ example: 'ground-operations' }) @IsOptional() @IsString() @MaxLength(200)
  team?: string;

  @ApiPropertyOptional({ description: 'CloudEvents source of the request; with requestId' }) @IsOptional() @IsString() @MaxLength(1000)
  source?: string;

  @ApiPropertyOptional({ description: 'CloudEvents id of the request; with source' }) @IsOptional() @IsString() @MaxLength(1000)
  requestId?: string;

  @ApiPropertyOptional({ default: 100, maximum: 1000 }) @Type(() => Number) @IsInt() @Min(1) @Max(1000)
  limit: number = 100;

  @ApiPropertyOptional({ description: 'nextCursor of the page before' }) @IsOptional() @IsString() @MaxLength(200)
  cursor?: string;
}

export class ExportBody {
  @ApiProperty({ example: 'flight-delay' }) @IsString() @IsNotEmpty() @MaxLength(200)
  model!: string;

  @ApiPropertyOptional({ ...INSTANT, description: `${INSTANT.description}; inclusive; without it from the beginning` }) @IsOptional() @IsInstant()
  from?: string;

  @ApiPropertyOptional({ ...INSTANT, description: `${INSTANT.description}; exclusive; without it to the end` }) @IsOptional() @IsInstant()
  to?: string;

  @ApiPropertyOptional({ default: false, description: 'only predictions whose outcome is known' }) @IsOptional() @IsBoolean()
  joinedOnly?: boolean;

  @ApiPropertyOptional({ description: 'only this version', example: '1' }) @IsOptional() @IsString() @MaxLength(200)
  version?: string;

  @ApiPropertyOptional({ default: 1_000_000, maximum: 10_000_000, description: 'rows at most, oldest first' }) @IsOptional() @IsInt() @Min(1) @Max(10_000_000)
  limit?: number;
}

export const MAX_IDS = 5000;

export class BooksBody {
  @ApiProperty({ type: [String], maxItems: MAX_IDS, example: ['7b76029e-19dc-5779-9358-6c2488af76f8'] }) @IsArray() @ArrayMaxSize(MAX_IDS) @IsUUID('all', { each: true })
  ids!: string[];
}
