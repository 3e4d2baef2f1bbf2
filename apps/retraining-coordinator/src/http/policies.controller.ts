import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { RetrainingPolicy } from '../domain/policy.js';
import { Policies, type StoredPolicy } from '../store/policies.js';
import { Schedules } from '../store/schedules.js';
import { PutPolicyDto } from './retraining.dto.js';
import { PolicyResource } from './retraining.resources.js';

@ApiTags('policies')
@Controller('retraining/v1/models/:model/policy')
export class PoliciesController {
  constructor(
    private readonly policies: Policies,
    private readonly schedules: Schedules,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The policy of a model; the default where none was put' })
  @ApiOkResponse({ type: PolicyResource })
  async get(@Param('model') model: string): Promise<object> {
    return this.view(model, await this.policies.of(model));
  }

  @Put()
  @ApiOperation({ summary: 'Replace the policy of a model; what is not given has its default' })
  @ApiOkResponse({ type: PolicyResource })
  async put(@Param('model') model: string, @Body() body: PutPolicyDto): Promise<object> {
    // DTOs are class instances with a key for each absent field; what is stored is plain data.
    return this.view(model, await this.policies.put(model, JSON.parse(JSON.stringify(body)) as Partial<RetrainingPolicy>));
  }

  private async view(model: string, { policy, given, updatedAt }: StoredPolicy): Promise<object> {
    return { model, ...policy, given, nextDueAt: (await this.schedules.nextDueAt(model))?.toISOString(), configured: updatedAt !== undefined, updatedAt: updatedAt?.toISOString() };
  }
}
