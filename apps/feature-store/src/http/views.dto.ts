import { ApiProperty } from '@nestjs/swagger';
import { AGGREGATES, type Aggregate, type FeatureScalar } from '@throughline/features';
import { Type } from 'class-transformer';
import { Allow, ArrayMaxSize, ArrayMinSize, IsArray, IsIn, IsNumber, IsOptional, IsString, Length, Matches, Max, Min, ValidateNested } from 'class-validator';

const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,199}$/;
const SCALAR = { anyOf: [{ type: 'number' }, { type: 'string' }, { type: 'boolean' }, { type: 'null' }] };

export class FeatureDto {
  @ApiProperty({ example: 'mean_delay_1h' }) @IsString() @Matches(NAME) name!: string;
  @ApiProperty({ example: 'flight_departed', description: 'events of feature.observed with this name are aggregated' }) @IsString() @Length(1, 200) event!: string;
  @ApiProperty({ enum: AGGREGATES, example: 'mean' }) @IsIn(AGGREGATES) aggregate!: Aggregate;
  @ApiProperty({ required: false, example: 'delayMinutes', description: 'which of the event’s values; needed by all but count and rate' })
  @IsOptional() @IsString() @Length(1, 200) field?: string;
  @ApiProperty({ example: 3600, description: 'length of the event-time window' }) @IsNumber() @Min(1) @Max(400 * 24 * 3600) windowSeconds!: number;
  @ApiProperty({ required: false, example: 0, ...SCALAR, description: 'value of an empty window' } as never) @Allow() default?: FeatureScalar;
}

export class PutViewDto {
  @ApiProperty({ example: 'airport' }) @IsString() @Matches(NAME) entityType!: string;
  @ApiProperty({ type: [FeatureDto] }) @IsArray() @ArrayMinSize(1) @ArrayMaxSize(200) @ValidateNested({ each: true }) @Type(() => FeatureDto) features!: FeatureDto[];
  @ApiProperty({ required: false, example: 86400, description: 'older values are OUTSIDE_MAX_AGE' }) @IsOptional() @IsNumber() @Min(0) maxAgeSeconds?: number;
}

export class ViewDto {
  @ApiProperty({ example: 'airport_traffic' }) name!: string;
  @ApiProperty({ example: 1 }) version!: number;
  @ApiProperty({ example: 'airport' }) entityType!: string;
  @ApiProperty({ type: [FeatureDto] }) features!: readonly FeatureDto[];
  @ApiProperty({ required: false, type: Number, example: 86400 }) maxAgeSeconds?: number | undefined;
  @ApiProperty({ example: '2026-11-21T09:00:00.000Z' }) definedAt!: string;
}
