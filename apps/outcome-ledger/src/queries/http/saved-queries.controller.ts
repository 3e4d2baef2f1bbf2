import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Post, Put, Query, type StreamableFile } from '@nestjs/common';
import { ApiBody, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { apiSchema, Caller, type Principal } from '@throughline/http';
import { PARQUET, PARQUET_CONTENT, parquetFile } from '../../http/parquet-file.js';
import { PAGE } from '../../http/schemas.js';
import { Exports, MAX_EXPORTED } from '../../store/exports.js';
import { Listing, type Page } from '../listing.js';
import { SavedQueries, type SavedQuery } from '../saved.js';
import { SavedExportBody, SavedPageQuery, SavedQueryBody } from './dto.js';

const NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/;
const EXAMPLE = { name: 'wrong-today', filter: { model: 'flight-delay', wrong: true, last: '24h' }, author: 'ada', savedAt: '2026-11-21T09:00:00.000Z' };
const RESOURCE = {
  type: 'object', required: ['name', 'filter', 'author', 'savedAt'],
  properties: { name: { type: 'string' }, filter: { type: 'object', description: 'as GET /ledger/v1/predictions takes it' }, author: { type: 'string' }, savedAt: { type: 'string', format: 'date-time' } },
};
const SAVED = apiSchema({ ...RESOURCE, example: EXAMPLE });
const ALL = apiSchema({ type: 'object', required: ['queries'], properties: { queries: { type: 'array', items: RESOURCE } }, example: { queries: [EXAMPLE] } });

@ApiTags('saved queries')
@Controller('ledger/v1/queries')
export class SavedQueriesController {
  constructor(
    @Inject(SavedQueries) private readonly saved: SavedQueries,
    @Inject(Listing) private readonly listing: Listing,
    @Inject(Exports) private readonly exports: Exports,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Questions that were saved, by name' })
  @ApiOkResponse({ schema: ALL })
  async list(): Promise<{ queries: SavedQuery[] }> {
    return { queries: await this.saved.list() };
  }

  @Put(':queryName')
  @ApiOperation({ summary: 'Save a question under a name, instead of what is there', description: 'With last instead of from and to it means another period each time it is asked.' })
  @ApiBody({ type: SavedQueryBody })
  @ApiOkResponse({ schema: SAVED })
  async put(@Param('queryName') name: string, @Body() { filter }: SavedQueryBody, @Caller() caller: Principal): Promise<SavedQuery> {
    if (!NAME.test(name)) throw new ContractError('invalid_request', 'the name of a query has at most 100 small letters, digits, dots, underscores and dashes');
    return this.saved.put(name, filter, caller.name);
  }

  @Get(':queryName')
  @ApiOperation({ summary: 'What the question is' })
  @ApiOkResponse({ schema: SAVED })
  async read(@Param('queryName') name: string): Promise<SavedQuery> {
    return this.saved.get(name);
  }

  @Delete(':queryName')
  @HttpCode(204)
  @ApiOperation({ summary: 'Forget the question' })
  @ApiNoContentResponse()
  async remove(@Param('queryName') name: string): Promise<void> {
    await this.saved.remove(name);
  }

  @Get(':queryName/predictions')
  @ApiOperation({ summary: 'The predictions that match now, newest first' })
  @ApiQuery({ type: SavedPageQuery })
  @ApiOkResponse({ schema: PAGE })
  async page(@Param('queryName') name: string, @Query() { limit, cursor }: SavedPageQuery): Promise<Page> {
    return this.listing.page((await this.saved.get(name)).filter, limit, cursor);
  }

  @Post(':queryName/export')
  @HttpCode(200)
  @Header('content-type', PARQUET)
  @ApiOperation({ summary: 'The predictions that match now as Parquet, oldest first, with features as used and outcomes' })
  @ApiBody({ type: SavedExportBody, required: false })
  @ApiOkResponse({ description: 'The columns of POST /ledger/v1/exports', content: PARQUET_CONTENT })
  async export(@Param('queryName') name: string, @Body() { limit = MAX_EXPORTED }: SavedExportBody): Promise<StreamableFile> {
    const { filter } = await this.saved.get(name);
    return parquetFile(name, await this.exports.open(filter, limit));
  }
}
