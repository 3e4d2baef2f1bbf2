import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { IsInstant } from '@throughline/http';
import { Type } from 'class-transformer';
import { IsInt, IsNotEmpty, IsNumber, IsObject, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { checkPeriod } from '../../http/checked-period.js';
import type { BacktestRequest } from '../backtests.js';
import type { CandidateSpec } from '../candidates.js';

const DEFAULT_LIMIT = 1_000_000;
const MAX_LIMIT = 10_000_000;
const CANDIDATE = { oneOf: [
  { type: 'object', required: ['version'], properties: { version: { type: 'string' } }, additionalProperties: false },
  { type: 'object', required: ['rules'], properties: { rules: { type: 'object', description: 'a rules document; docs/serving.md has examples' } }, additionalProperties: false },
] };

export class BacktestBody {
  @ApiProperty({ example: 'flight-delay' }) @IsString() @IsNotEmpty() @MaxLength(200)
  model!: string;

  @ApiProperty({ example: '2001-01-01T00:00:00Z', description: 'event time of the requests, RFC 3339; inclusive' }) @IsInstant()
  from!: string;

  @ApiProperty({ example: '2030-01-01T00:00:00Z', description: 'event time of the requests, RFC 3339; exclusive' }) @IsInstant()
  to!: string;

  @ApiProperty({ ...(CANDIDATE as object), example: { version: '2' }, description: 'what is to be tried: a version of the model, or rules' }) @IsObject()
  candidate!: Record<string, unknown>;

  @ApiPropertyOptional({ example: 0.5, description: 'a score at or above it is a positive decision; the candidate’s own by default' }) @IsOptional() @IsNumber()
  threshold?: number;

  @ApiPropertyOptional({ default: DEFAULT_LIMIT, maximum: MAX_LIMIT, description: 'predictions at most, oldest first' }) @IsOptional() @IsInt() @Min(1) @Max(MAX_LIMIT)
  limit?: number;
}

export class BacktestsQuery {
  @ApiPropertyOptional({ example: 'flight-delay' }) @IsOptional() @IsString() @MaxLength(200)
  model?: string;

  @ApiPropertyOptional({ default: 50, maximum: 200 }) @Type(() => Number) @IsInt() @Min(1) @Max(200)
  limit: number = 50;
}

/** @throws ContractError `invalid_request` */
export function requestOf({ candidate, model, from, to, threshold, limit = DEFAULT_LIMIT }: BacktestBody): BacktestRequest {
  checkPeriod(Date.parse(from), Date.parse(to));
  return { model, from, to, candidate: candidateOf(candidate), ...(threshold === undefined ? {} : { threshold }), limit };
}

function candidateOf({ version, rules, ...rest }: Record<string, unknown>): CandidateSpec {
  const isVersion = typeof version === 'string' && version !== '' && version.length <= 200 && rules === undefined;
  const isRules = typeof rules === 'object' && rules !== null && !Array.isArray(rules) && version === undefined;
  if (Object.keys(rest).length > 0 || (!isVersion && !isRules)) throw new ContractError('invalid_request', 'candidate must be {"version": "2"} or {"rules": {…}}, one of the two');
  return isVersion ? { version } : { rules: rules as object };
}
