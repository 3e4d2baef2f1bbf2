import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

/** A decision by hand. */
export class Decided {
  @ApiPropertyOptional({ example: 'ada@example.org', description: 'who decides it; where callers are known, the caller' })
  @IsOptional() @IsString() @MaxLength(200)
  author?: string;

  @ApiPropertyOptional({ example: 'the new feature looks odd' })
  @IsOptional() @IsString() @MaxLength(2000)
  reason?: string;
}
