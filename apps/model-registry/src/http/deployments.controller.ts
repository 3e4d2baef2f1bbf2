import { Body, Controller, Delete, Get, HttpCode, HttpStatus, Inject, Param, Put, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiBody, ApiNoContentResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { BUS, type Bus, type OwnTopic } from '@throughline/bus';
import { ContractError, type ErrorCode, type ModelDeployment } from '@throughline/contracts';
import { Caller, Problems, requireRole, type Principal } from '@throughline/http';
import type { FastifyReply } from 'fastify';
import type { Assignment } from '../domain/deployment.js';
import { CHAMPION, checkAliasName, versionNumber } from '../domain/names.js';
import { readPolicy } from '../domain/serving-policy.js';
import { Promotions } from '../rollouts/promotions.js';
import { DeploymentStore } from '../store/deployments.js';
import { attribution, promoter } from './attribution.js';
import { ALIAS_EXAMPLES, DEPLOYMENT, DEPLOYMENT_EXAMPLES } from './examples.js';
import { AliasQuery, DeleteAliasQuery, PutAlias, PutDeployment } from './requests.js';
import { AliasChangeResource, AliasResource, DeploymentRevisionResource, toAlias, toAliasChange, toRevision } from './resources.js';

const WRITES: readonly ErrorCode[] = ['conflict', 'unknown_version', 'lineage_incomplete', 'archived', 'rollout_running', 'approval_required', 'signature_differs'];

@ApiTags('deployment')
@Controller('registry/v1/models/:name')
export class DeploymentsController {
  constructor(
    @Inject(DeploymentStore) private readonly deployments: DeploymentStore,
    @Inject(Promotions) private readonly promotions: Promotions,
    @Inject(BUS) private readonly bus: Bus,
  ) {}

  @Get('aliases')
  @ApiOperation({ summary: 'Aliases of a model' })
  @ApiOkResponse({ type: [AliasResource] })
  async listAliases(@Param('name') name: string): Promise<AliasResource[]> {
    return (await this.deployments.aliases(name)).map(toAlias);
  }

  @Get('aliases/:alias')
  @ApiOperation({ summary: 'Where an alias is, or was', description: 'With `at`: which version it was at that instant, who had put it there and why.' })
  @ApiOkResponse({ type: AliasResource })
  async readAlias(@Param('name') name: string, @Param('alias') alias: string, @Query() { at }: AliasQuery): Promise<AliasResource> {
    if (at !== undefined) {
      const then = await this.deployments.aliasAt(name, alias, new Date(at));
      if (then === undefined) throw new ContractError('not_found', `model “${name}” had no alias “${alias.slice(0, 100)}” at ${at}`);
      return toAlias({ ...then, version: then.toVersion! });
    }
    const row = await this.deployments.alias(name, alias);
    if (row === undefined) throw new ContractError('not_found', `model “${name}” has no alias “${alias.slice(0, 100)}”`);
    return toAlias(row);
  }

  @Put('aliases/:alias')
  @ApiOperation({ summary: 'Point an alias at a version', description: 'Compare and swap with `expected`. Moving `champion` changes what serves: at once, by a rollout or with an approval, as the model’s policy says.' })
  @ApiBody({ type: PutAlias, examples: ALIAS_EXAMPLES })
  @ApiOkResponse({ type: AliasResource })
  @ApiAcceptedResponse({ type: AliasResource, description: 'a rollout has begun to bring the version in: the alias moves when it is through' })
  @Problems(...WRITES)
  async putAlias(@Param('name') name: string, @Param('alias') alias: string, @Body() body: PutAlias, @Caller() caller: Principal, @Res({ passthrough: true }) reply: FastifyReply): Promise<AliasResource> {
    if (body.override !== undefined && alias !== CHAMPION) throw new ContractError('invalid_request', `the alias “${alias.slice(0, 100)}” lets nothing serve, so that there is nothing to override`, { cure: 'Leave override out.' });
    const expected = typeof body.expected === 'string' ? versionNumber(name, body.expected) : body.expected;
    const move = { alias: checkAliasName(alias), version: versionNumber(name, body.version), expected };
    if (alias !== CHAMPION) return toAlias((await this.deployments.moveAlias(name, move, attribution(caller, body), new Date()))!);
    const promotion = await this.promotions.promote(name, move, promoter(caller, body), new Date());
    const resource = toAlias((await this.deployments.alias(name, alias))!);
    if (promotion.kind === 'serves') return resource;
    reply.code(HttpStatus.ACCEPTED);
    return { ...resource, rollout: promotion.rollout.id };
  }

  @Delete('aliases/:alias')
  @HttpCode(HttpStatus.NO_CONTENT)
  @ApiOperation({ summary: 'Remove an alias', description: 'Without `champion` nothing of the model serves.' })
  @ApiNoContentResponse()
  @Problems('conflict', 'unknown_version', 'rollout_running', 'approval_required')
  async deleteAlias(@Param('name') name: string, @Param('alias') alias: string, @Query() query: DeleteAliasQuery, @Caller() caller: Principal): Promise<void> {
    // Where nothing serves the next version serves at once, past the policy of promotion.
    if (alias === CHAMPION) requireRole(caller, 'approver');
    const expected = query.expected === undefined ? undefined : versionNumber(name, query.expected);
    await this.deployments.moveAlias(name, { alias: checkAliasName(alias), version: null, expected }, attribution(caller, query), new Date());
  }

  @Get('aliases/:alias/history')
  @ApiOperation({ summary: 'Where an alias has been, newest first' })
  @ApiOkResponse({ type: [AliasChangeResource] })
  async aliasHistory(@Param('name') name: string, @Param('alias') alias: string): Promise<AliasChangeResource[]> {
    return (await this.deployments.aliasHistory(name, alias)).map(toAliasChange);
  }

  @Get('deployment')
  @ApiOperation({ summary: 'What serves: the content of the last model.deployment event' })
  @ApiOkResponse({ schema: DEPLOYMENT })
  readDeployment(@Param('name') name: string): Promise<ModelDeployment> {
    return this.deployments.current(name);
  }

  @Put('deployment')
  @ApiOperation({ summary: 'Replace what serves', description: 'Compare and swap with `expectedRevision`. What the body leaves out is no longer so, how the model is served included; moves of the champion alias keep that.' })
  @ApiBody({ type: PutDeployment, examples: DEPLOYMENT_EXAMPLES })
  @ApiOkResponse({ schema: DEPLOYMENT })
  @Problems(...WRITES)
  async putDeployment(@Param('name') name: string, @Body() body: PutDeployment, @Caller() caller: Principal): Promise<ModelDeployment> {
    const makeTopics = async (topics: readonly string[]): Promise<void> => void (await Promise.all(topics.map((topic) => this.bus.admin.ensureTopic(topic as OwnTopic))));
    const options = { wanted: toAssignment(name, body), saysChampion: body.champion !== undefined, expectedRevision: body.expectedRevision, makeTopics };
    const by = promoter(caller, body);
    if (options.saysChampion) await this.promotions.checkDirectWrite(name, options.wanted, by);
    return this.deployments.deploy(name, options, by, new Date());
  }

  @Get('deployment/history')
  @ApiOperation({ summary: 'Every revision, newest first: what was in production when, and who decided it' })
  @ApiOkResponse({ type: [DeploymentRevisionResource] })
  async history(@Param('name') name: string): Promise<DeploymentRevisionResource[]> {
    return (await this.deployments.history(name)).map(toRevision);
  }
}

const toAssignment = (model: string, { champion, challengers = [], shadows = [], splitSalt, maxBatchSize, ...body }: PutDeployment): Assignment => ({
  champion: typeof champion === 'string' ? versionNumber(model, champion) : undefined,
  challengers: challengers.map(({ version, share }) => ({ version: versionNumber(model, version), share })),
  shadows: shadows.map((version) => versionNumber(model, version)),
  splitSalt,
  maxBatchSize,
  ...readPolicy(body),
});
