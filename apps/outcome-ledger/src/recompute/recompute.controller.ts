import { Body, Controller, Get, HttpCode, HttpStatus, Inject, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { Problems } from '@throughline/http';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsInt, IsOptional, IsUUID, Max, Min } from 'class-validator';
import { canonicalId } from '../domain/prediction.js';
import { checkedId } from '../http/checked-id.js';
import { Recomputations, type Recomputation } from './recomputations.js';
import { Samples } from './samples.js';
import { RECOMPUTATION, REPORT } from './schemas.js';

/** So many take some seconds where the artifacts are small. */
const MAX_RECOMPUTED = 500;
/** Until a request answers with what it has: nobody waits for ever, and models may be slow. */
const PATIENCE_MS = 30_000;

export class RecomputationsBody {
  @ApiPropertyOptional({ minimum: 1, maximum: MAX_RECOMPUTED, description: 'how many answered predictions are drawn by lot' }) @IsOptional() @IsInt() @Min(1) @Max(MAX_RECOMPUTED)
  sample?: number;

  @ApiPropertyOptional({ type: [String], minItems: 1, maxItems: MAX_RECOMPUTED, description: 'else these' }) @IsOptional() @IsArray() @ArrayMinSize(1) @ArrayMaxSize(MAX_RECOMPUTED) @IsUUID('all', { each: true })
  predictionIds?: string[];
}

/** What came of several. */
interface RecomputationReport {
  readonly checked: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** All that are not equal. */
  readonly others: readonly Recomputation[];
  /** Not reached in the time that one request has. */
  readonly left: number;
}

const DESCRIPTION = 'Loads the artifact that answered, feeds it the features as used, and compares bit for bit. `different` names every value, and says whether another runtime or CPU computes here; the other states say why there is nothing to compare.';

@ApiTags('predictions')
@Controller('ledger/v1')
export class RecomputeController {
  constructor(
    @Inject(Recomputations) private readonly recomputations: Recomputations,
    @Inject(Samples) private readonly samples: Samples,
  ) {}

  @Get('predictions/:predictionId/recompute')
  @ApiOperation({ summary: 'Compute an answer again', description: DESCRIPTION })
  @ApiOkResponse({ schema: RECOMPUTATION })
  @Problems('unavailable', 'overloaded')
  read(@Param('predictionId') predictionId: string): Promise<Recomputation> {
    return this.recomputations.recompute(checkedId(predictionId));
  }

  @Post('predictions/:predictionId/recompute')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Compute an answer again', description: `${DESCRIPTION} As GET: nothing is changed.` })
  @ApiOkResponse({ schema: RECOMPUTATION })
  @Problems('unavailable', 'overloaded')
  recompute(@Param('predictionId') predictionId: string): Promise<Recomputation> {
    return this.recomputations.recompute(checkedId(predictionId));
  }

  @Post('recomputations')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Compute several answers again, drawn by lot or by their ids', description: 'Nothing is changed. Answers after half a minute at the latest with what it has by then.' })
  @ApiBody({ type: RecomputationsBody, examples: { sample: { value: { sample: 5 } } } })
  @ApiOkResponse({ schema: REPORT })
  @Problems('unavailable', 'overloaded', 'not_found')
  async several(@Body() { sample, predictionIds }: RecomputationsBody): Promise<RecomputationReport> {
    if ((sample === undefined) === (predictionIds === undefined)) throw new ContractError('invalid_request', 'give either sample or predictionIds');
    const ids = predictionIds?.map(canonicalId) ?? (await this.samples.draw(sample!));
    const results: Recomputation[] = [];
    const untilMs = performance.now() + PATIENCE_MS;
    for (const id of ids) if (performance.now() < untilMs) results.push(await this.recomputations.recompute(id));
    const counts = Map.groupBy(results, ({ status }) => status);
    return { checked: results.length, byStatus: Object.fromEntries([...counts].map(([status, of]) => [status, of.length])), others: results.filter(({ status }) => status !== 'equal'), left: ids.length - results.length };
  }
}
