import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsInstant } from '@throughline/http';
import { Type } from 'class-transformer';
import { Allow, ArrayMaxSize, IsArray, IsBoolean, IsIn, IsInt, IsNumber, IsOptional, IsString, Length, Matches, Max, MaxLength, Min, ValidateIf, ValidateNested } from 'class-validator';
import type { PolicyRequest } from '../domain/serving-policy.js';
import { policyField } from './policy-field.js';

const VERSION = /^[1-9]\d{0,8}$/;
const isVersion = { message: '$property must be a version, such as "3"' };

export class Attributed {
  @ApiPropertyOptional({ example: 'ada@example.org', description: 'who decided it' })
  @IsOptional() @IsString() @MaxLength(200)
  author?: string;

  @ApiPropertyOptional({ example: 'better AUC on May' })
  @IsOptional() @IsString() @MaxLength(2000)
  reason?: string;
}

class Overriding extends Attributed {
  @ApiPropertyOptional({ example: 'trained by hand before we kept records', description: 'why versions that lack data set, code or metrics may serve all the same; goes on record under the author, who is then mandatory' })
  @IsOptional() @IsString() @Length(1, 2000)
  override?: string;
}

/** Where callers are known their role says whether they may; where nobody has to say who they are, an approval is given by name. */
const Approve = (): PropertyDecorator => (target, property) => {
  ApiPropertyOptional({ example: true, description: 'the author approves it, where the model’s policy asks for that and nobody is authenticated' })(target, property);
  IsOptional()(target, property as string);
  IsBoolean()(target, property as string);
};

export class PutAlias extends Overriding {
  @ApiProperty({ example: '2' })
  @Matches(VERSION, isVersion)
  version!: string;

  @ApiPropertyOptional({ type: String, nullable: true, example: '1', description: 'the version it must have now, null for none; absent: whatever it has' })
  @ValidateIf((body: PutAlias) => body.expected !== undefined && body.expected !== null)
  @Matches(VERSION, isVersion)
  expected?: string | null;

  @Approve()
  approve?: boolean;
}

export class PostOverride {
  @ApiProperty({ example: 'ada@example.org', description: 'who answers for it' })
  @IsString() @Length(1, 200)
  author!: string;

  @ApiProperty({ example: 'the training run was lost; scored by hand against May' })
  @IsString() @Length(1, 2000)
  reason!: string;
}

export class ListVersionsQuery {
  @ApiPropertyOptional({ enum: ['true', 'false'], default: 'false', description: 'true: the archived ones as well' })
  @IsOptional() @IsIn(['true', 'false'])
  archived?: 'true' | 'false';
}

export class AliasQuery {
  @ApiPropertyOptional({ example: '2026-05-03T14:00:00Z', description: 'instant of the past, RFC 3339' })
  @IsOptional() @IsInstant()
  at?: string;
}

export class DeleteAliasQuery extends Attributed {
  @ApiPropertyOptional({ example: '1', description: 'the version it must have now' })
  @IsOptional() @Matches(VERSION, isVersion)
  expected?: string;
}

export class ChallengerShare {
  @ApiProperty({ example: '2' })
  @Matches(VERSION, isVersion)
  version!: string;

  @ApiProperty({ example: 0.1, description: 'of the traffic, above 0' })
  @IsNumber() @Min(0) @Max(1)
  share!: number;
}

/** A field of the serving policy: checked against its schema, whose errors say more than decorators could. */
const PolicyProperty = (field: keyof typeof PolicyRequest): PropertyDecorator => (target, property) => {
  ApiPropertyOptional(policyField(field))(target, property);
  Allow()(target, property as string);
};

export class PutDeployment extends Overriding {
  @ApiPropertyOptional({ type: String, nullable: true, example: '1', description: 'null: nothing serves; may be left out only where nothing does' })
  @ValidateIf((body: PutDeployment) => body.champion !== undefined && body.champion !== null)
  @Matches(VERSION, isVersion)
  champion?: string | null;

  @ApiPropertyOptional({ type: [ChallengerShare], example: [{ version: '2', share: 0.1 }] })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @ValidateNested({ each: true }) @Type(() => ChallengerShare)
  challengers?: ChallengerShare[];

  @ApiPropertyOptional({ type: [String], example: ['2'] })
  @IsOptional() @IsArray() @ArrayMaxSize(100) @Matches(VERSION, { each: true, message: 'each of shadows must be a version, such as "3"' })
  shadows?: string[];

  @ApiPropertyOptional({ example: 'spring', description: 'of the split; by default kept while challengers run' })
  @IsOptional() @IsString() @MaxLength(200)
  splitSalt?: string;

  @ApiPropertyOptional({ example: 256, description: 'rows' })
  @IsOptional() @IsInt() @Min(1) @Max(1_000_000)
  maxBatchSize?: number;

  @PolicyProperty('batching') batching?: unknown;
  @PolicyProperty('latencyBudgetMs') latencyBudgetMs?: unknown;
  @PolicyProperty('breaker') breaker?: unknown;
  @PolicyProperty('requestTopics') requestTopics?: unknown;
  @PolicyProperty('fallbacks') fallbacks?: unknown;

  @ApiPropertyOptional({ example: 3, description: 'the revision that must be in force now, 0 for none; absent: whatever is' })
  @IsOptional() @IsInt() @Min(0) @Max(2 ** 31 - 1)
  expectedRevision?: number;

  @Approve()
  approve?: boolean;
}

export class AuditQuery {
  @ApiPropertyOptional({ example: 'flight-delay' })
  @IsOptional() @IsString() @MaxLength(200)
  model?: string;

  @ApiPropertyOptional({ example: '42', description: 'lines older than this id: the last one of the page before' })
  @IsOptional() @Matches(/^\d{1,18}$/)
  before?: string;

  @ApiPropertyOptional({ default: 100, maximum: 1000 })
  @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(1000)
  limit?: number;
}
