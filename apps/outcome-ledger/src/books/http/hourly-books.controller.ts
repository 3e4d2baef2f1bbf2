import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { checkPeriod } from '../../http/checked-period.js';
import { Auditor, type BooksReport } from '../auditor.js';
import { HOUR_MS } from '../domain/places.js';
import { BooksQuery } from './dto.js';
import { HOURLY_BOOKS } from './schema.js';

const DEFAULT_MS = 24 * HOUR_MS;
const MAX_DAYS = 31;

@ApiTags('books')
@Controller('ledger/v1/books')
export class HourlyBooksController {
  constructor(@Inject(Auditor) private readonly auditor: Auditor) {}

  @Get()
  @ApiOperation({ summary: 'The books by topic and hour: every request ended or in flight, every answer recorded, every outcome joined, pending or overtaken; and what is missing' })
  @ApiOkResponse({ schema: HOURLY_BOOKS })
  async books(@Query() { from, to }: BooksQuery): Promise<BooksReport> {
    const nowMs = Date.now();
    const toMs = to === undefined ? nowMs : Date.parse(to);
    const fromMs = from === undefined ? toMs - DEFAULT_MS : Date.parse(from);
    checkPeriod(fromMs, toMs, 'now');
    if (toMs - fromMs > MAX_DAYS * 24 * HOUR_MS) throw new ContractError('invalid_request', `the books are read for at most ${MAX_DAYS} days at a time`, { cure: `Ask for ${MAX_DAYS} days, then for those before them, by from and to.` });
    return this.auditor.report(fromMs, toMs, nowMs);
  }
}
