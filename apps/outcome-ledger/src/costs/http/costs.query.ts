import { ApiPropertyOptional } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { IsInstant } from '@throughline/http';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import { GROUPS, type Group } from '../domain/report.js';

const DAYS = 'processing time of the requests, in whole UTC days, RFC 3339';

export class CostsQuery {
  @ApiPropertyOptional({ example: '2026-11-01T00:00:00Z', description: `${DAYS}; inclusive; 30 days ago by default` }) @IsOptional() @IsInstant()
  from?: string;

  @ApiPropertyOptional({ example: '2026-12-01T00:00:00Z', description: `${DAYS}; exclusive, and an instant within a day takes that day in; to the end of today by default` }) @IsOptional() @IsInstant()
  to?: string;

  @ApiPropertyOptional({ example: 'flight-delay' }) @IsOptional() @IsString() @MaxLength(200)
  model?: string;

  @ApiPropertyOptional({ example: 'model,version', default: 'model,version', description: 'of model, version, team, role and day, separated by commas; empty for the total alone' }) @IsOptional() @IsString() @MaxLength(100)
  groupBy: string = 'model,version';
}

/** @throws ContractError `invalid_request` for what is no group */
export function groupsOf(text: string): Group[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()).filter((name) => name !== ''))];
  const unknown = names.find((name) => !(GROUPS as readonly string[]).includes(name));
  if (unknown !== undefined) throw new ContractError('invalid_request', `groupBy has “${unknown.slice(0, 40)}”, which is none of ${GROUPS.join(', ')}`);
  return names as Group[];
}
