import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayNotEmpty, IsArray, IsBoolean, IsIn, IsInt, IsNotEmpty, IsNumber, IsOptional, IsString, Max, MaxLength, Min, ValidateNested } from 'class-validator';
import { DEFAULT_POLICY, EVIDENCE_KINDS, TIERS, type EvidenceKind, type RetrainingPolicy, type Tier } from '../domain/policy.js';
import type { Run } from '../domain/run.js';

export class TriggerDto {
  @ApiProperty({ enum: EVIDENCE_KINDS, isArray: true }) @IsArray() @ArrayNotEmpty() @ArrayMaxSize(EVIDENCE_KINDS.length) @IsIn(EVIDENCE_KINDS, { each: true }) kinds!: EvidenceKind[];
  @ApiProperty({ enum: TIERS }) @IsIn(TIERS) minTier!: Tier;
}

export class ScheduleDto {
  @ApiProperty({ example: '30 3 * * 1', description: 'minute, hour, day of month, month, day of week' }) @IsString() @MaxLength(200) cron!: string;
  @ApiPropertyOptional({ example: 'Europe/Berlin', description: 'of the IANA database; UTC by default' }) @IsOptional() @IsString() @MaxLength(100) timeZone?: string;
}

const OPTIONAL = (field: keyof RetrainingPolicy, description: string) => ({ required: false, default: DEFAULT_POLICY[field], description });

/** A hundred years: what reaches further back is a mistake, and no date. */
const MAX_SECONDS = 100 * 365 * 24 * 3600;

/** What is not given has its default. */
export class PutPolicyDto {
  @ApiProperty(OPTIONAL('enabled', 'whether alerts and the schedule may start a run')) @IsOptional() @IsBoolean() enabled?: boolean;
  @ApiProperty(OPTIONAL('minLabels', 'joined outcomes that a training set needs')) @IsOptional() @IsInt() @Min(100) @Max(1_000_000_000) minLabels?: number;
  @ApiProperty(OPTIONAL('cooldownSeconds', 'wall time between a run and the next that an alert may start')) @IsOptional() @IsNumber() @Min(0) @Max(MAX_SECONDS) cooldownSeconds?: number;
  @ApiProperty({ required: false, type: TriggerDto, description: 'which alerts are evidence; drift only if listed' })
  @IsOptional() @ValidateNested() @Type(() => TriggerDto) trigger?: TriggerDto;
  @ApiProperty(OPTIONAL('windowSeconds', 'event time that the training set reaches back')) @IsOptional() @IsNumber() @Min(1) @Max(MAX_SECONDS) windowSeconds?: number;
  @ApiProperty(OPTIONAL('maturitySeconds', 'event time that outcomes usually take')) @IsOptional() @IsNumber() @Min(0) @Max(MAX_SECONDS) maturitySeconds?: number;
  @ApiProperty(OPTIONAL('heldOutFraction', 'share of the latest rows to judge by')) @IsOptional() @IsNumber() @Min(0.05) @Max(0.5) heldOutFraction?: number;
  @ApiProperty(OPTIONAL('l2', 'penalty on the weights')) @IsOptional() @IsNumber() @Min(0) @Max(1e12) l2?: number;
  @ApiProperty({ required: false, type: ScheduleDto, description: 'when to retrain whatever the alerts say; what was missed while nobody ran is made up for once' })
  @IsOptional() @ValidateNested() @Type(() => ScheduleDto) schedule?: ScheduleDto;
}

export class StartRunDto {
  @ApiProperty({ example: 'flight-delay' }) @IsString() @IsNotEmpty() @MaxLength(200) model!: string;
  @ApiPropertyOptional({ example: 'new airport opened' }) @IsOptional() @IsString() @MaxLength(1000) reason?: string;
}

export class ListRunsQuery {
  @ApiPropertyOptional({ example: 'flight-delay' }) @IsOptional() @IsString() @MaxLength(200) model?: string;
  @ApiPropertyOptional({ enum: ['queued', 'running', 'succeeded', 'failed', 'rejected'] }) @IsOptional() @IsIn(['queued', 'running', 'succeeded', 'failed', 'rejected']) status?: string;
  @ApiPropertyOptional({ default: 50, maximum: 500 }) @Type(() => Number) @IsInt() @Min(1) @Max(500) limit: number = 50;
}

const instant = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());

/** A run for the reader: instants as text, without the runner's bookkeeping. */
export function runView({ runId, model, reason, alertId, status, stage, fraction, message, code, failures, result, ...run }: Run): object {
  return {
    runId, model, reason, alertId, status, stage, fraction, message, code, failures, ...result,
    requestedAt: instant(run.requestedAtMs), startedAt: instant(run.startedAtMs), notBefore: instant(run.notBeforeMs), finishedAt: instant(run.finishedAtMs),
  };
}
