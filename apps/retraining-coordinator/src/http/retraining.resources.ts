import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { EVIDENCE_KINDS, TIERS } from '../domain/policy.js';

class TriggerResource {
  @ApiProperty({ enum: EVIDENCE_KINDS, isArray: true, example: ['quality'] }) kinds!: string[];
  @ApiProperty({ enum: TIERS, example: 'alarm' }) minTier!: string;
}

class ScheduleResource {
  @ApiProperty({ example: '30 3 * * 1' }) cron!: string;
  @ApiPropertyOptional({ example: 'Europe/Berlin' }) timeZone?: string;
}

/** The policy of a model as it is in force. */
export class PolicyResource {
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ example: true }) enabled!: boolean;
  @ApiProperty({ example: 1000 }) minLabels!: number;
  @ApiProperty({ example: 21600 }) cooldownSeconds!: number;
  @ApiProperty() trigger!: TriggerResource;
  @ApiPropertyOptional({ example: 7776000 }) windowSeconds?: number;
  @ApiProperty({ example: 0 }) maturitySeconds!: number;
  @ApiProperty({ example: 0.25 }) heldOutFraction!: number;
  @ApiProperty({ example: 1 }) l2!: number;
  @ApiPropertyOptional() schedule?: ScheduleResource;
  @ApiPropertyOptional({ format: 'date-time', description: 'when the schedule comes next', example: '2026-11-23T02:30:00.000Z' }) nextDueAt?: string;
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'what was put; the rest is defaults', example: { minLabels: 1000 } }) given!: object;
  @ApiProperty({ description: 'false where no policy was put and this is the default', example: true }) configured!: boolean;
  @ApiPropertyOptional({ format: 'date-time', example: '2026-11-21T09:00:00.000Z' }) updatedAt?: string;
}

const METRICS = { type: 'object', additionalProperties: { type: 'number' }, example: { auc: 0.71 } } as const;
const INSTANT = { format: 'date-time', example: '2026-11-21T09:00:00.000Z' };

/** A run for the reader: how far it is, or what came of it. */
export class RunResource {
  @ApiProperty({ format: 'uuid', example: '1b4e28ba-2fa1-41d2-883f-0016d3cca427' }) runId!: string;
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ example: 'new airport opened' }) reason!: string;
  @ApiPropertyOptional({ description: 'the alert that started it' }) alertId?: string;
  @ApiProperty({ enum: ['queued', 'running', 'succeeded', 'failed', 'rejected'], example: 'running' }) status!: string;
  @ApiPropertyOptional({ enum: ['export', 'train', 'evaluate', 'register'], example: 'train' }) stage?: string;
  @ApiProperty({ minimum: 0, maximum: 1, example: 0.4 }) fraction!: number;
  @ApiProperty({ example: 'fitting 12000 rows' }) message!: string;
  @ApiPropertyOptional({ description: 'code of the error that ended it' }) code?: string;
  @ApiProperty({ type: 'integer', description: 'that may pass', example: 0 }) failures!: number;
  @ApiPropertyOptional({ example: '3' }) candidateVersion?: string;
  @ApiPropertyOptional({ example: '2' }) championVersion?: string;
  @ApiPropertyOptional(METRICS) candidateMetrics?: Record<string, number>;
  @ApiPropertyOptional(METRICS) championMetrics?: Record<string, number>;
  @ApiProperty(INSTANT) requestedAt!: string;
  @ApiPropertyOptional(INSTANT) startedAt?: string;
  @ApiPropertyOptional({ ...INSTANT, description: 'it is not tried again before' }) notBefore?: string;
  @ApiPropertyOptional(INSTANT) finishedAt?: string;
}

export class RunsResource {
  @ApiProperty({ type: [RunResource] }) runs!: RunResource[];
}
