import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError, predictionId as idOf } from '@throughline/contracts';
import { ListingQuery } from '../queries/http/dto.js';
import { Listing, type Page } from '../queries/listing.js';
import { Stories, type Story } from '../story/stories.js';
import { PAGE } from './schemas.js';

@ApiTags('predictions')
@Controller('ledger/v1/predictions')
export class PredictionsController {
  constructor(
    private readonly stories: Stories,
    private readonly listing: Listing,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Predictions by event time, newest first; with source and requestId the one prediction of that request' })
  @ApiOkResponse({ schema: PAGE, description: 'a story instead of a row when source and requestId are given' })
  async list(@Query() filter: ListingQuery): Promise<Page | { predictions: Story[]; nextCursor: null }> {
    const { source, requestId, limit, cursor, ...rest } = filter;
    if (source === undefined && requestId === undefined) return this.listing.page(rest, limit, cursor);
    if (source === undefined || requestId === undefined) throw new ContractError('invalid_request', 'source and requestId name a request together: give both');
    return { predictions: await this.find(idOf(source, requestId)), nextCursor: null };
  }

  private async find(id: string): Promise<Story[]> {
    try {
      return [await this.stories.tell(id)];
    } catch (error) {
      if (error instanceof ContractError && error.code === 'not_found') return [];
      throw error;
    }
  }
}
