import { Controller, Get, Inject, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { checkedId } from '../http/checked-id.js';
import { STORY } from './schema.js';
import { Stories, type Story } from './stories.js';

@ApiTags('predictions')
@Controller('ledger/v1/predictions')
export class StoryController {
  constructor(@Inject(Stories) private readonly stories: Stories) {}

  @Get(':predictionId')
  @ApiOperation({
    summary: 'The whole story of a prediction',
    description: 'Who asked and when; which version answered and why that one; the features as used and how old they were; what each stage took against its budget; what came of it, cost and earned; what changed in the model since.',
  })
  @ApiOkResponse({ schema: STORY })
  tell(@Param('predictionId') predictionId: string): Promise<Story> {
    return this.stories.tell(checkedId(predictionId));
  }
}
