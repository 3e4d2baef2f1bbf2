import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { AlertRaised, ContractError, MonitoringPolicy } from '@throughline/contracts';
import { apiSchema } from '@throughline/http';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { monitoringInForce } from '../domain/monitoring.js';
import { Reports, type Report } from '../store/reports.js';

export class AlertsQuery {
  @ApiPropertyOptional({ example: 'flight-delay' }) @IsOptional() @IsString() @MaxLength(200) model?: string;
  @ApiPropertyOptional({ example: 50, default: 50, maximum: 500 }) @IsOptional() @Type(() => Number) @IsInt() @Min(1) @Max(500) limit?: number;
}

const ALERT: AlertRaised = {
  alertId: '144b57b9-18f6-5660-a1ee-28d5d3ae0b77', model: 'flight-delay', version: '3', kind: 'data_drift', tier: 'alarm', subject: 'distance', summary: 'distance drifted: D 0.21 in 2 of 3 windows',
  windowFrom: '2001-02-03T00:00:00Z', windowTo: '2001-02-04T00:00:00Z', sampleCount: 3000, evidence: { ks: 0.21, psi: 0.3 }, raisedAt: '2026-11-21T09:00:00Z',
};
const ARRAY = { type: 'array', items: { type: 'object' } };
const REPORT = {
  type: 'object',
  required: ['model', 'monitoring', 'predictions', 'outcomes', 'labelCoverage', 'late', 'corrections', 'quality', 'dataWindows', 'qualityWindows', 'servingWindows', 'fallbackShare', 'fallbacks', 'latency'],
  properties: {
    model: { type: 'string' }, monitoring: { ...MonitoringPolicy, description: 'in force: what the deployment declares, over the settings and defaults of the monitor' }, predictions: { type: 'integer' }, outcomes: { type: 'integer' }, labelCoverage: { type: ['number', 'null'] }, late: { type: 'object' },
    corrections: { type: 'object', description: 'outcomes told anew: taken out of the window they were counted in (applied), or not held any more (unheld)' },
    quality: { type: 'object' }, dataWindows: ARRAY, qualityWindows: ARRAY, servingWindows: ARRAY, fallbackShare: { type: ['number', 'null'] },
    fallbacks: { type: 'object', additionalProperties: { type: 'integer' } }, latency: { type: 'object' },
  },
};

@ApiTags('monitoring')
@Controller('monitor/v1')
export class MonitorController {
  constructor(private readonly reports: Reports) {}

  @Get('models/:name/report')
  @ApiOperation({ summary: 'How the model is watched, live windows against the baseline, realised quality, label coverage, fallbacks, latency by stage against its budget; every verdict with its numbers' })
  @ApiOkResponse({ description: 'newest windows first', schema: apiSchema({ ...REPORT, example: EXAMPLE() }) })
  async report(@Param('name') name: string): Promise<Report> {
    const report = await this.reports.of(name);
    if (report === undefined) throw new ContractError('not_found', `nothing is known of a model “${name}”: it was never deployed`);
    return report;
  }

  @Get('alerts')
  @ApiOperation({ summary: 'Alerts that were raised, newest first' })
  @ApiOkResponse({ schema: apiSchema({ type: 'object', required: ['alerts'], properties: { alerts: { type: 'array', items: AlertRaised } }, example: { alerts: [ALERT] } }) })
  async alerts(@Query() { model, limit = 50 }: AlertsQuery): Promise<{ alerts: AlertRaised[] }> {
    return { alerts: await this.reports.alerts(model, limit) };
  }
}

function EXAMPLE(): Report {
  const evidence = { missingShare: 0, baselineMissingShare: 0, ksDistance: 0.21, ksThreshold: 0.1, pValue: 1e-12, psi: 0.3, wasserstein: 0.4 };
  const window = { version: '1', from: '2001-02-12T00:00:00.000Z', to: '2001-02-12T06:00:00.000Z', events: 4100, open: false };
  const served = {
    fallbackShare: 0.02, fallbacks: { last_known_good: 82 },
    latency: {
      answers: 4182,
      stages: [
        { stage: 'queue' as const, p50Ms: 0.4, p95Ms: 3.1, p99Ms: 8.2, shareOfTime: 0.35, budgetMs: 5, shareOverBudget: 0.03 },
        { stage: 'inference' as const, p50Ms: 0.9, p95Ms: 1.1, p99Ms: 1.3, shareOfTime: 0.65, budgetMs: 2, shareOverBudget: 0 },
      ],
      total: { p50Ms: 3.1, p95Ms: 6.2, p99Ms: 12 },
      worstStage: { stage: 'queue' as const, summary: 'queue takes most of its budget: 8.2 ms at the 99th percentile are 164 % of the 5 ms allowed; 3 % of the answers took longer.' },
    },
  };
  return {
    model: 'flight-delay', monitoring: monitoringInForce({ windowSeconds: { data: 21_600 } }, 86_400), predictions: 4100, outcomes: 3900, labelCoverage: 0.95, late: { predictions: 0, outcomes: 0 }, corrections: { applied: 12, unheld: 0 }, quality: { outcomes: 3900, auc: 0.71, brier: 0.15 },
    dataWindows: [{ ...window, judgements: [{ kind: 'data_drift', subject: 'origin_mean_delay', verdict: 'drifted', sampleCount: 4100, evidence }] }],
    qualityWindows: [{ ...window, judgements: [], quality: { outcomes: 3900, auc: 0.71 }, amended: 0 }],
    ...served,
    servingWindows: [{ from: window.from, to: window.to, open: false, ...served }],
  };
}
