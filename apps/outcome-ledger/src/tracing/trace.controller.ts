import { Controller, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Problems } from '@throughline/http';
import { checkedId } from '../http/checked-id.js';
import { EMITTED_TRACE } from './schemas.js';
import { TraceStories, type EmittedTrace } from './trace-stories.js';

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
    return this.stories.tell(checkedId(predictionId));
  }
}
