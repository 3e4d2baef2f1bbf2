import { Inject, Injectable } from '@nestjs/common';
import { ContractError } from '@throughline/contracts';
import { checkPeriod } from '../http/checked-period.js';
import { labelReport, type LabelReport } from './domain/label-report.js';
import { LabelStore } from './label-store.js';
import { ModelClocks, NAMES, type ModelClock } from './model-clocks.js';

const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;
/** There is a row a day in the answer. */
const MAX_DAYS = 400;

export interface LabelQuestion {
  readonly model: string;
  /** Event time of the predictions, epoch milliseconds. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface LabelAnswer extends LabelReport {
  readonly model: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The model's own present, event time. */
  readonly nowMs: number;
  readonly maturitySeconds: number | undefined;
}

/** Which outcomes are known, which are due, and how long they take. */
@Injectable()
export class Labels {
  constructor(
    @Inject(LabelStore) private readonly store: LabelStore,
    @Inject(ModelClocks) private readonly clocks: ModelClocks,
  ) {}

  /**
   * By default of the last 30 days in which predictions can have matured, up to now.
   *
   * @param isUrgent that somebody waits for it
   * @throws ContractError `not_found`, `invalid_request`, `query_too_slow`
   */
  async report({ model, fromMs, toMs }: LabelQuestion, wallNowMs: number, { isUrgent } = { isUrgent: true }): Promise<LabelAnswer> {
    const clock = await this.clocks.of(model, wallNowMs);
    if (clock === undefined) throw new ContractError('not_found', `the ledger has no prediction of a model ${model}`, { cure: NAMES });
    const { nowMs, maturitySeconds } = clock;
    const until = toMs ?? nowMs + 1;
    const since = fromMs ?? Math.min(until, nowMs + 1) - (maturitySeconds ?? 0) * 1000 - DEFAULT_DAYS * DAY_MS;
    checkPeriod(since, until, 'the event time that the model has reached');
    // The default may be longer: maturity is what the model declares.
    if (fromMs !== undefined && until - since > MAX_DAYS * DAY_MS) throw new ContractError('invalid_request', `from and to are more than ${MAX_DAYS} days apart`, { cure: `Ask for ${MAX_DAYS} days at a time.` });
    const counts = await this.store.count({ model, fromMs: since, toMs: until, nowMs, maturedUntilMs: maturedUntilMs(clock) }, { isUrgent });
    return { model, fromMs: since, toMs: until, nowMs, maturitySeconds, ...labelReport(counts, maturitySeconds !== undefined) };
  }
}

const maturedUntilMs = ({ nowMs, maturitySeconds }: ModelClock): number | undefined => (maturitySeconds === undefined ? undefined : nowMs - maturitySeconds * 1000);
