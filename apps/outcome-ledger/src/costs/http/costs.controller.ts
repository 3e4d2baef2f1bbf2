import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { checkPeriod } from '../../http/checked-period.js';
import { dayOf } from '../../domain/prediction.js';
import { Costs, type CostReport } from '../costs.js';
import type { Prices } from '../domain/cost.js';
import { PRICES } from '../prices.js';
import { CostsQuery, groupsOf } from './costs.query.js';
import { COST_REPORT } from './costs.schema.js';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;

@ApiTags('costs')
@Controller('ledger/v1/costs')
export class CostsController {
  constructor(@Inject(Costs) private readonly costs: Costs, @Inject(PRICES) private readonly prices: Prices) {}

  @Get()
  @ApiOperation({ summary: 'What predictions cost, as an estimate, and what they were worth, by model, version, team, role or day' })
  @ApiOkResponse({ schema: COST_REPORT })
  async report(@Query() { from, to, model, groupBy }: CostsQuery): Promise<CostReport & { estimate: true; prices: Prices }> {
    const nowMs = Date.now();
    const [fromDay, toDay] = [from?.slice(0, 10) ?? dayOf(nowMs - DEFAULT_DAYS * DAY_MS), to === undefined ? dayOf(nowMs + DAY_MS) : dayAtOrAfter(to)];
    checkPeriod(Date.parse(from ?? fromDay), to === undefined ? nowMs : Date.parse(to), 'now');
    return { estimate: true, prices: this.prices, ...(await this.costs.report({ from: fromDay, to: toDay, model, groupBy: groupsOf(groupBy) })) };
  }
}

/** Days of five digits are none to PostgreSQL. */
const LAST_DAY_MS = Date.UTC(9999, 11, 31);

/** The end of the period is exclusive, and days are whole: an instant within a day takes that day in. */
function dayAtOrAfter(instant: string): string {
  const ms = Date.parse(instant);
  return dayOf(Math.min(Math.ceil(ms / DAY_MS) * DAY_MS, LAST_DAY_MS));
}
