import { ApiProperty } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsUUID } from 'class-validator';

export const MAX_IDS = 5000;

export class BooksBody {
  @ApiProperty({ type: [String], maxItems: MAX_IDS, example: ['7b76029e-19dc-5779-9358-6c2488af76f8'] }) @IsArray() @ArrayMaxSize(MAX_IDS) @IsUUID('all', { each: true })
  ids!: string[];
}
