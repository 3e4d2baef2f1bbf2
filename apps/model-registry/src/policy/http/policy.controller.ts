import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { authorOf, Caller, Problems, Requires, type Principal } from '@throughline/http';
import { EXAMPLES, readModelPolicy } from '../domain/policy.js';
import { PolicyStore } from '../store.js';
import { PolicyResource, PutPolicy, toPolicy } from './policy.requests.js';

@ApiTags('policy')
@Controller('registry/v1/models/:name/policy')
export class PolicyController {
  constructor(@Inject(PolicyStore) private readonly policies: PolicyStore) {}

  @Get()
  @ApiOperation({ summary: 'What holds for a model whichever versions serve it', description: 'Revision 0, without any field, where none was put.' })
  @ApiOkResponse({ type: PolicyResource })
  async read(@Param('name') name: string): Promise<PolicyResource> {
    return toPolicy(name, await this.policies.read(name));
  }

  @Put()
  // Whoever may write it could otherwise write away that a promotion needs an approval.
  @Requires('approver')
  @ApiOperation({ summary: 'Replace the policy of a model', description: 'Compare and swap with `expectedRevision`. What the body leaves out is no longer so. A change of `outcome` or `monitoring` makes a new revision of the deployment.' })
  @ApiBody({ type: PutPolicy, examples: { whole: { value: { ...EXAMPLES, author: 'ada@example.org', reason: 'outcomes are worth money now' } } } })
  @ApiOkResponse({ type: PolicyResource })
  @Problems('conflict', 'rollout_running')
  async put(@Param('name') name: string, @Body() { expectedRevision, author, reason, ...body }: PutPolicy, @Caller() caller: Principal): Promise<PolicyResource> {
    const by = { author: authorOf(caller, author), reason };
    const policy = readModelPolicy(body as Record<string, unknown>);
    const before = await this.policies.current(name);
    const put = await this.policies.put(name, { policy, expectedRevision }, by, new Date());
    const warnings = await this.policies.warnings(name, before.policy, policy);
    return { ...toPolicy(name, put), ...(warnings.length === 0 ? {} : { warnings }) };
  }

  @Get('history')
  @ApiOperation({ summary: 'Every revision of the policy, newest first' })
  @ApiOkResponse({ type: [PolicyResource] })
  async history(@Param('name') name: string): Promise<PolicyResource[]> {
    return (await this.policies.history(name)).map((revision) => toPolicy(name, revision));
  }
}
