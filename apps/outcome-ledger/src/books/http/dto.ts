import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsInstant } from '@throughline/http';
import { IsOptional } from 'class-validator';

export class BooksQuery {
  @ApiPropertyOptional({ example: '2026-11-21T00:00:00Z', description: 'processing time, RFC 3339; its whole hour; without it 24 hours before `to`' }) @IsOptional() @IsInstant()
  from?: string;

  @ApiPropertyOptional({ example: '2026-11-22T00:00:00Z', description: 'processing time, RFC 3339; to the end of its hour; without it now' }) @IsOptional() @IsInstant()
  to?: string;
}
