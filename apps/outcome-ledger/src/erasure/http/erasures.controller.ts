import { Body, Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, type Principal } from '@throughline/http';
import { Erasures, type Erasure } from '../erasures.js';
import { Proofs, type Proof } from '../proof.js';
import { ERASURE, ERASURES, ErasureBody, PROOF, ProofBody, PROVEN } from './dto.js';
import { checkedId } from '../../http/checked-id.js';

@ApiTags('erasures')
@Controller('ledger/v1/erasures')
export class ErasuresController {
  constructor(
    @Inject(Erasures) private readonly erasures: Erasures,
    @Inject(Proofs) private readonly proofs: Proofs,
  ) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Forget an entity: removes its values from predictions, shadows, outcomes and correlations; scores, outcomes as numbers and counts stay', description: 'A job that survives restarts; asking twice is one job while it runs. What was requested before and arrives later is taken in without values.' })
  @ApiBody({ type: ErasureBody })
  @ApiAcceptedResponse({ schema: ERASURE })
  async request(@Body() { entityId, entityRole, model, reason }: ErasureBody, @Caller() caller: Principal): Promise<Erasure> {
    return this.erasures.request({ entityId, entityRole, model, reason }, caller.name);
  }

  @Get()
  @ApiOperation({ summary: 'Who had what forgotten, newest first, without whom it was about' })
  @ApiOkResponse({ schema: ERASURES })
  async list(): Promise<{ erasures: Erasure[] }> {
    return { erasures: await this.erasures.list() };
  }

  @Get(':erasureId')
  @ApiOperation({ summary: 'How far it is, and the proof of this moment: how many rows still hold the entity', description: 'Looks at every row, for the ledger no longer knows whom it was about. Millions of rows take too long: then prove it with the entity.' })
  @ApiOkResponse({ schema: PROVEN })
  async read(@Param('erasureId') given: string): Promise<Erasure & { proof: Proof }> {
    // The other way round an erasure that ends in between would be told as done and not proven.
    const erasureId = checkedId(given, 'erasureId');
    const erasure = await this.erasures.get(erasureId);
    return { ...erasure, proof: await this.proofs.prove(erasureId) };
  }

  @Get(':erasureId/progress')
  @ApiOperation({ summary: 'How far it is, without a proof' })
  @ApiOkResponse({ schema: ERASURE })
  async progress(@Param('erasureId') given: string): Promise<Erasure> {
    return this.erasures.get(checkedId(given, 'erasureId'));
  }

  @Post(':erasureId/proof')
  @HttpCode(200)
  @ApiOperation({ summary: 'The same proof for whoever knows the entity, from the indexes' })
  @ApiBody({ type: ProofBody })
  @ApiOkResponse({ schema: PROOF })
  async prove(@Param('erasureId') given: string, @Body() { entityId }: ProofBody): Promise<Proof> {
    return this.proofs.prove(checkedId(given, 'erasureId'), entityId);
  }
}
