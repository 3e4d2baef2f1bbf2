import { Controller, Get, Header, Inject, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ServingReported } from '@throughline/contracts';
import { unknownModel } from '../../../domain/names.js';
import { VersionStore } from '../../../store/versions.js';
import { PAGE_SECURITY_POLICY, toPage } from '../report/page.js';
import { RolloutReports } from '../report/reports.js';
import type { RolloutReport } from '../report/rollout-report.js';
import { ServingReports } from '../serving-reports.js';
import { REPORT_EXAMPLE, SERVING_EXAMPLE } from './example.js';

const REPORT_SCHEMA = { type: 'object', additionalProperties: true, example: REPORT_EXAMPLE };

@ApiTags('rollouts')
@Controller('registry/v1/models/:name')
export class EvidenceController {
  constructor(
    @Inject(RolloutReports) private readonly reports: RolloutReports,
    @Inject(ServingReports) private readonly serving: ServingReports,
    @Inject(VersionStore) private readonly versions: VersionStore,
  ) {}

  @Get('rollouts/:id/report')
  @ApiOperation({
    summary: 'What a rollout has shown',
    description: 'Agreement, differences of scores and the requests on which a shadow disagrees most; figures of both versions by step; what guards find now; outcome differences with their intervals, by segment too. Intervals hold at every look; fixedLow and fixedHigh only at an end that was fixed beforehand.',
  })
  @ApiOkResponse({ schema: REPORT_SCHEMA as never })
  report(@Param('name') name: string, @Param('id') id: string): Promise<RolloutReport> {
    return this.reports.of(name, id, new Date());
  }

  @Get('rollouts/:id/report.html')
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', PAGE_SECURITY_POLICY)
  @ApiOperation({ summary: 'The same as a page to look at', description: 'One file without scripts.' })
  @ApiOkResponse({ description: 'the page', content: { 'text/html': { schema: { type: 'string', example: '<!doctype html><html lang="en">…</html>' } } } })
  async page(@Param('name') name: string, @Param('id') id: string): Promise<string> {
    return toPage(await this.reports.of(name, id, new Date()));
  }

  @Get('serving')
  @ApiOperation({ summary: 'Which worker holds what', description: 'The last report of each worker that was heard within 90 seconds; an empty list where no worker has anything of the model.' })
  @ApiOkResponse({ schema: { type: 'array', items: ServingReported as never, example: SERVING_EXAMPLE } })
  async readServing(@Param('name') name: string): Promise<ServingReported[]> {
    if ((await this.versions.listModels(name)).length === 0) throw unknownModel(name);
    return this.serving.of(name, Date.now());
  }
}
