import { Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { Problems } from '@throughline/http';
import { canonicalId } from '../domain/prediction.js';
import { EMITTED_TRACE } from './schemas.js';
import { TraceStories, type EmittedTrace } from './trace-stories.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/;

@ApiTags('predictions')
@Controller('ledger/v1/predictions')
export class TraceController {
  constructor(@Inject(TraceStories) private readonly stories: TraceStories) {}

  @Post(':predictionId/trace')
  @HttpCode(200)
  @ApiOperation({ summary: 'Tell the whole story of a prediction to the tracing backend once more, whatever its age: its spans, and one an outcome' })
  @ApiOkResponse({ schema: EMITTED_TRACE })
  @Problems('not_found', 'not_configured')
  async emit(@Param('predictionId') predictionId: string): Promise<EmittedTrace> {
    const id = canonicalId(predictionId);
    if (!UUID.test(id)) throw new ContractError('invalid_request', 'predictionId is not a UUID');
    return this.stories.tell(id);
  }
}
