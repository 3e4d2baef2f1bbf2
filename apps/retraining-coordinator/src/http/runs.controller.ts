import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError } from '@throughline/contracts';
import { Problems } from '@throughline/http';
import { Deployments } from '../handlers/model-deployment.follower.js';
import { Runner } from '../runs/runner.js';
import { Runs } from '../store/runs.js';
import { ListRunsQuery, runView, StartRunDto } from './retraining.dto.js';
import { RunResource, RunsResource } from './retraining.resources.js';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

@ApiTags('runs')
@Controller('retraining/v1/runs')
export class RunsController {
  constructor(
    private readonly runs: Runs,
    private readonly deployments: Deployments,
    private readonly runner: Runner,
  ) {}

  @Post()
  @HttpCode(202)
  @ApiOperation({ summary: 'Start a run by hand; policy and cooldown do not hold it back, a run in flight does (409)' })
  @ApiAcceptedResponse({ type: RunResource })
  @Problems('unknown_model', 'conflict')
  async start(@Body() { model, reason = 'started by hand' }: StartRunDto): Promise<object> {
    if (this.deployments.championOf(model) === undefined) throw new ContractError('unknown_model', `model ${model} has no champion to compare with`);
    const run = await this.runs.start({ runId: randomUUID(), model, reason, announced: false });
    this.runner.wake();
    return runView(run);
  }

  @Get()
  @ApiOperation({ summary: 'Runs, newest first' })
  @ApiOkResponse({ type: RunsResource })
  async list(@Query() filter: ListRunsQuery): Promise<object> {
    return { runs: (await this.runs.list(filter)).map(runView) };
  }

  @Get(':runId')
  @ApiOperation({ summary: 'One run: how far it is, or what came of it with both sides’ numbers' })
  @ApiOkResponse({ type: RunResource })
  async get(@Param('runId') runId: string): Promise<object> {
    const run = UUID.test(runId) ? await this.runs.get(runId) : undefined;
    if (run === undefined) throw new ContractError('not_found', `there is no run ${runId}`);
    return runView(run);
  }
}
