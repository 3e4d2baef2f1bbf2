import { Body, Controller, Get, HttpCode, HttpStatus, Inject, Param, Post } from '@nestjs/common';
import { ApiBody, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ContractError, RolloutRequest } from '@throughline/contracts';
import { Caller, Problems, Requires, type Principal } from '@throughline/http';
import { canonical } from '../../domain/canonical.js';
import { attribution, promoter } from '../../http/attribution.js';
import { EvidenceStore } from '../evidence/evidence-store.js';
import { ServingReports } from '../evidence/serving-reports.js';
import { judge } from '../guards/judge.js';
import { readRequest } from '../domain/request.js';
import { isActive, missingMinimums } from '../domain/rollout.js';
import { Promotions } from '../promotions.js';
import { Rollouts } from '../rollouts.js';
import { RolloutStore, type StoredRollout } from '../store/rollouts.js';
import { Decided } from './requests.js';
import { ReplayResource, RollbackResource, RolloutDetailResource, RolloutEventResource, RolloutResource, toEvent, toRollout, toVerdict } from './resources.js';

const START_EXAMPLE = { strategy: 'canary', candidate: '2', steps: [{ share: 0.05, minSeconds: 60, minPredictions: 500 }, { share: 1, minSeconds: 60 }], author: 'ada@example.org', reason: 'trained on May', approve: true };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

@ApiTags('rollouts')
@Controller('registry/v1/models/:name')
export class RolloutsController {
  constructor(
    @Inject(Rollouts) private readonly rollouts: Rollouts,
    @Inject(Promotions) private readonly promotions: Promotions,
    @Inject(RolloutStore) private readonly store: RolloutStore,
    @Inject(EvidenceStore) private readonly evidence: EvidenceStore,
    @Inject(ServingReports) private readonly reports: ServingReports,
  ) {}

  @Post('rollouts')
  @ApiOperation({ summary: 'Roll a version out', description: 'What is left out is as the strategy has it by default. While it runs nobody else changes the deployment. Where the model’s policy asks for an approval, an approver starts it.' })
  @ApiBody({ schema: { ...(RolloutRequest as object), example: START_EXAMPLE } as never })
  @ApiCreatedResponse({ type: RolloutResource })
  @Problems('rollout_running', 'unknown_version', 'signature_differs', 'lineage_incomplete', 'archived', 'conflict', 'approval_required')
  async start(@Param('name') name: string, @Body() body: unknown, @Caller() caller: Principal): Promise<RolloutResource> {
    const request = readRequest(body);
    return toRollout(await this.promotions.rollOut(name, request, promoter(caller, request), new Date()));
  }

  @Get('rollouts')
  @ApiOperation({ summary: 'Rollouts, newest first' })
  @ApiOkResponse({ type: [RolloutResource] })
  async list(@Param('name') name: string): Promise<RolloutResource[]> {
    return (await this.store.list(name)).map(toRollout);
  }

  @Get('rollouts/:id')
  @ApiOperation({ summary: 'A rollout: where it is, what its step still needs, what its guards say' })
  @ApiOkResponse({ type: RolloutDetailResource })
  async read(@Param('name') name: string, @Param('id') id: string): Promise<RolloutDetailResource> {
    const rollout = await this.existing(name, id);
    const [reached, totals, evidence] = await Promise.all([this.store.steps(id), this.evidence.totals(id), this.evidence.read(id)]);
    const here = totals.find(({ step }) => step === rollout.step)?.candidate ?? { answers: 0, outcomes: 0 };
    const counted = { nowMs: Date.now(), predictions: here.answers, outcomes: here.outcomes };
    const step = rollout.spec.steps[rollout.step - 1];
    const warmth = this.reports.warmth(name, String(rollout.spec.candidate), reached.at(-1)?.revision ?? 0, counted.nowMs);
    const isUnheard = rollout.step === 0 && warmth.waiting.length + warmth.warm.length + warmth.failed.length === 0;
    return {
      ...toRollout(rollout),
      reached: reached.map((one) => ({ ...one, startedAt: one.startedAt.toISOString() })),
      progress: {
        predictions: counted.predictions, outcomes: counted.outcomes,
        missing: isActive(rollout) && step !== undefined ? missingMinimums(step, rollout, counted) : [],
        waitingFor: !isActive(rollout) ? [] : isUnheard ? ['(no worker has said what it holds)'] : [...warmth.waiting],
      },
      verdicts: judge(rollout.spec, evidence).map(toVerdict),
    };
  }

  @Get('rollouts/:id/events')
  @ApiOperation({ summary: 'What happened to a rollout, oldest first' })
  @ApiOkResponse({ type: [RolloutEventResource] })
  async events(@Param('name') name: string, @Param('id') id: string): Promise<RolloutEventResource[]> {
    await this.existing(name, id);
    return (await this.store.events(id)).map(toEvent);
  }

  @Get('rollouts/:id/events/:event/replay')
  @ApiOperation({ summary: 'Ask the guards again about the evidence that was kept with a verdict' })
  @ApiOkResponse({ type: ReplayResource })
  async replay(@Param('name') name: string, @Param('id') id: string, @Param('event') event: string): Promise<ReplayResource> {
    const rollout = await this.existing(name, id);
    const kept = /^\d{1,18}$/.test(event) ? await this.store.evidenceOf(id, event) : undefined;
    if (kept === undefined) throw new ContractError('not_found', 'this event kept no evidence', { cure: 'Take one that has: GET …/rollouts/{id}/events, hasEvidence.' });
    const replayed = judge(rollout.spec, kept.evidence);
    return { same: canonical(replayed) === canonical(kept.verdicts), recorded: kept.verdicts.map(toVerdict), replayed: replayed.map(toVerdict), evidence: kept.evidence };
  }

  @Post('rollouts/:id/pause')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Stay at this step', description: 'The guards go on watching.' })
  @ApiOkResponse({ type: RolloutResource })
  @Problems('conflict')
  async pause(@Param('name') name: string, @Param('id') id: string, @Body() body: Decided, @Caller() caller: Principal): Promise<RolloutResource> {
    return toRollout(await this.rollouts.pause(name, checkId(name, id), attribution(caller, body), new Date()));
  }

  @Post('rollouts/:id/resume')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Go on with the steps' })
  @ApiOkResponse({ type: RolloutResource })
  @Problems('conflict')
  async resume(@Param('name') name: string, @Param('id') id: string, @Body() body: Decided, @Caller() caller: Principal): Promise<RolloutResource> {
    return toRollout(await this.rollouts.resume(name, checkId(name, id), attribution(caller, body), new Date()));
  }

  @Post('rollouts/:id/abort')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'Take the candidate out: what served before serves again' })
  @ApiOkResponse({ type: RolloutResource })
  @Problems('conflict')
  async abort(@Param('name') name: string, @Param('id') id: string, @Body() body: Decided, @Caller() caller: Principal): Promise<RolloutResource> {
    return toRollout(await this.rollouts.abort(name, checkId(name, id), attribution(caller, body), new Date()));
  }

  @Post('rollouts/:id/promote')
  @HttpCode(HttpStatus.OK)
  @Requires('approver')
  @ApiOperation({ summary: 'Make the candidate the champion now', description: 'Whatever steps and guards say; on record as an override.' })
  @ApiOkResponse({ type: RolloutResource })
  @Problems('conflict')
  async promote(@Param('name') name: string, @Param('id') id: string, @Body() body: Decided, @Caller() caller: Principal): Promise<RolloutResource> {
    return toRollout(await this.rollouts.promote(name, checkId(name, id), attribution(caller, body), new Date()));
  }

  @Post('rollback')
  @HttpCode(HttpStatus.OK)
  @ApiOperation({ summary: 'The way back, at once', description: 'Aborts the rollout that runs; else the champion before the present one serves again.' })
  @ApiOkResponse({ type: RollbackResource })
  @Problems('conflict', 'archived')
  async rollBack(@Param('name') name: string, @Body() body: Decided, @Caller() caller: Principal): Promise<RollbackResource> {
    const { champion, rollout } = await this.rollouts.rollBack(name, attribution(caller, body), new Date());
    return { champion: String(champion), rollout };
  }

  private async existing(model: string, id: string): Promise<StoredRollout> {
    const rollout = await this.store.find(model, checkId(model, id));
    if (rollout === undefined) throw unknownRollout(model, id);
    return rollout;
  }
}

function checkId(model: string, id: string): string {
  if (!UUID.test(id)) throw unknownRollout(model, id);
  return id;
}

const unknownRollout = (model: string, id: string): ContractError =>
  new ContractError('not_found', `“${model}” has no rollout ${id.slice(0, 80)}`, { cure: `List them: GET /registry/v1/models/${model}/rollouts.` });
