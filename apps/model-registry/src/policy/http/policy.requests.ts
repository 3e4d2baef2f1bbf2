import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ModelPolicy } from '@throughline/contracts';
import { Allow, IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { EXAMPLES } from '../domain/policy.js';
import type { PolicyRevision } from '../store.js';

/** A field of the policy: checked against its schema, whose errors say more than decorators could. */
const PolicyField = (field: keyof typeof ModelPolicy.properties): PropertyDecorator => (target, property) => {
  ApiPropertyOptional({ ...ModelPolicy.properties[field], example: EXAMPLES[field] } as never)(target, property);
  Allow()(target, property as string);
};

class PolicyFields {
  @PolicyField('owner') owner?: unknown;
  @PolicyField('team') team?: unknown;
  @PolicyField('description') description?: unknown;
  @PolicyField('errorRate') errorRate?: unknown;
  @PolicyField('costCeilingMicroUsd') costCeilingMicroUsd?: unknown;
  @PolicyField('outcome') outcome?: unknown;
  @PolicyField('monitoring') monitoring?: unknown;
  @PolicyField('privacy') privacy?: unknown;
  @PolicyField('segments') segments?: unknown;
  @PolicyField('promotion') promotion?: unknown;
}

export class PutPolicy extends PolicyFields {
  @ApiPropertyOptional({ example: 3, description: 'the revision that must be in force now, 0 for none; absent: whatever is' })
  @IsOptional() @IsInt() @Min(0) @Max(2 ** 31 - 1)
  expectedRevision?: number;

  @ApiPropertyOptional({ example: 'ada@example.org', description: 'who decided it' })
  @IsOptional() @IsString() @MaxLength(200)
  author?: string;

  @ApiPropertyOptional({ example: 'outcomes are worth money now' })
  @IsOptional() @IsString() @MaxLength(2000)
  reason?: string;
}

export class PolicyResource extends PolicyFields {
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ example: 2, description: '0 where none was put' }) revision!: number;
  @ApiPropertyOptional({ example: 'ada@example.org' }) author?: string | undefined;
  @ApiPropertyOptional({ example: 'outcomes are worth money now' }) reason?: string | undefined;
  @ApiPropertyOptional({ example: '2026-11-21T12:00:00.000Z' }) decidedAt?: string | undefined;
  @ApiPropertyOptional({ type: [String], description: 'what may be wrong; only in the answer to who puts it' }) warnings?: string[];
}

export const toPolicy = (model: string, { policy, revision, author, reason, decidedAt }: PolicyRevision): PolicyResource => ({
  model, revision, ...policy, author, reason, decidedAt: decidedAt?.toISOString(),
});
