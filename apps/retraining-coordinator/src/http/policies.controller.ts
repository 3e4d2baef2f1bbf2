import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { RetrainingPolicy } from '../domain/policy.js';
import { Policies, type StoredPolicy } from '../store/policies.js';
import { PutPolicyDto } from './retraining.dto.js';
import { PolicyResource } from './retraining.resources.js';

@ApiTags('policies')
@Controller('retraining/v1/models/:model/policy')
export class PoliciesController {
  constructor(private readonly policies: Policies) {}

  @Get()
  @ApiOperation({ summary: 'The policy of a model; the default where none was put' })
  @ApiOkResponse({ type: PolicyResource })
  async get(@Param('model') model: string): Promise<object> {
    return view(model, await this.policies.of(model));
  }

  @Put()
  @ApiOperation({ summary: 'Replace the policy of a model; what is not given has its default' })
  @ApiOkResponse({ type: PolicyResource })
  async put(@Param('model') model: string, @Body() body: PutPolicyDto): Promise<object> {
    // DTOs are class instances with a key for each absent field; what is stored is plain data.
    return view(model, await this.policies.put(model, JSON.parse(JSON.stringify(body)) as Partial<RetrainingPolicy>));
  }
}

const view = (model: string, { policy, updatedAt }: StoredPolicy): object => ({ model, ...policy, configured: updatedAt !== undefined, updatedAt: updatedAt?.toISOString() });
