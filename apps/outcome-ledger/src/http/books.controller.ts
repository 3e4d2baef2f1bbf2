import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { canonicalId, type PredictionState } from '../domain/prediction.js';
import { Books, type Summary } from '../store/books.js';
import { BooksBody } from './dto.js';
import { BOOKS, SUMMARY } from './schemas.js';

@ApiTags('books')
@Controller('ledger/v1')
export class BooksController {
  constructor(private readonly books: Books) {}

  @Post('books')
  @HttpCode(200)
  @ApiOperation({ summary: 'How these predictions ended; ids the ledger does not have are left out' })
  @ApiOkResponse({ schema: BOOKS })
  async states(@Body() { ids }: BooksBody): Promise<{ states: Record<string, PredictionState> }> {
    return { states: await this.books.states(ids.map(canonicalId)) };
  }

  @Get('summary')
  @ApiOperation({ summary: 'Counts of everything in the ledger, and the AUC of each version over its last joined predictions' })
  @ApiOkResponse({ schema: SUMMARY })
  async summary(): Promise<Summary> {
    return this.books.summary({ auc: true });
  }
}
