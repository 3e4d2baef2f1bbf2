import { ApiProperty } from '@nestjs/swagger';
import { AGGREGATES, type Aggregate, type FeatureScalar } from '@throughline/features';
import { Type } from 'class-transformer';
import { Allow, ArrayMinSize, IsArray, IsIn, IsNumber, IsOptional, IsString, ValidateNested } from 'class-validator';

export class FeatureDto {
  @ApiProperty({ example: 'mean_delay_1h' }) @IsString() name!: string;
  @ApiProperty({ example: 'flight_departed', description: 'events of feature.observed with this name are aggregated' }) @IsString() event!: string;
  @ApiProperty({ enum: AGGREGATES }) @IsIn(AGGREGATES) aggregate!: Aggregate;
  @ApiProperty({ required: false, example: 'delayMinutes', description: 'which of the event’s values; needed by all but count and rate' })
  @IsOptional() @IsString() field?: string;
  @ApiProperty({ example: 3600, description: 'length of the event-time window' }) @IsNumber() windowSeconds!: number;
  @ApiProperty({ required: false, example: 0, type: Object, description: 'value of an empty window' }) @Allow() default?: FeatureScalar;
}

export class PutViewDto {
  @ApiProperty({ example: 'airport' }) @IsString() entityType!: string;
  @ApiProperty({ type: [FeatureDto] }) @IsArray() @ArrayMinSize(1) @ValidateNested({ each: true }) @Type(() => FeatureDto) features!: FeatureDto[];
  @ApiProperty({ required: false, example: 86400, description: 'older values are OUTSIDE_MAX_AGE' }) @IsOptional() @IsNumber() maxAgeSeconds?: number;
}

export class ViewDto {
  @ApiProperty({ example: 'airport_traffic' }) name!: string;
  @ApiProperty({ example: 1 }) version!: number;
  @ApiProperty({ example: 'airport' }) entityType!: string;
  @ApiProperty({ type: [FeatureDto] }) features!: readonly FeatureDto[];
  @ApiProperty({ required: false }) maxAgeSeconds?: number | undefined;
  @ApiProperty({ example: '2026-11-21T09:00:00.000Z' }) definedAt!: string;
}
