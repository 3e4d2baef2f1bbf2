import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError, predictionId as idOf } from '@throughline/contracts';
import { canonicalId } from '../domain/prediction.js';
import { Listing, type Page } from '../store/listing.js';
import { Stories, type Story } from '../store/stories.js';
import { ListingQuery } from './dto.js';
import { PAGE, STORY } from './schemas.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

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
    const { source, requestId, ...rest } = filter;
    if (source === undefined && requestId === undefined) return this.listing.page(rest);
    if (source === undefined || requestId === undefined) throw new ContractError('invalid_request', 'source and requestId name a request together: give both');
    return { predictions: await this.find(idOf(source, requestId)), nextCursor: null };
  }

  @Get(':predictionId')
  @ApiOperation({ summary: 'The whole story of a prediction: request, answer, features as used, timings, outcomes, trace' })
  @ApiOkResponse({ schema: STORY })
  async tell(@Param('predictionId') predictionId: string): Promise<Story> {
    const id = canonicalId(predictionId);
    if (!UUID.test(id)) throw new ContractError('invalid_request', 'predictionId is not a UUID');
    return this.stories.tell(id);
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
