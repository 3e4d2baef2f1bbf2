import { Controller, Inject } from '@nestjs/common';
import { Consumes, type EventBatch } from '@throughline/bus';
import { ContractError, type Event } from '@throughline/contracts';
import { parseTraceparent } from '@throughline/telemetry';
import { BookKeeper } from '../books/book-keeper.js';
import { outcomeOf, type NamedOutcome } from '../domain/outcome.js';
import { fromTheFuture } from '../outcomes/domain/future.js';
import { FUTURE_TOLERANCE_SECONDS } from '../outcomes/settings.js';
import { PrivacyPolicies } from '../privacy/policies.js';
import { OutcomeStore } from '../store/outcome-store.js';
import { countOutcomes } from './ledger-metrics.js';
import { LedgerSpans } from './ledger-spans.js';
import { MAX_BATCH_SIZE } from './prediction-intake.js';

type OutcomeEvent = Event<'outcome.observed.v1'>;

@Controller()
export class OutcomeObservedHandler {
  constructor(
    private readonly store: OutcomeStore,
    private readonly spans: LedgerSpans,
    private readonly privacy: PrivacyPolicies,
    private readonly books: BookKeeper,
    @Inject(FUTURE_TOLERANCE_SECONDS) private readonly futureToleranceSeconds: number,
  ) {}

  @Consumes({ topic: 'outcome.observed.v1', maxBatchSize: MAX_BATCH_SIZE, unhandled: 'tell' })
  async handle(batch: EventBatch<'outcome.observed.v1'>): Promise<void> {
    await this.books.enterUnhandled(batch);
    const decoded = batch.events.flatMap((event) => this.decode(batch, event));
    if (decoded.length === 0) return;
    const startMs = Date.now();
    const report = await this.store.record(decoded.map(({ named }) => named), startMs);
    const events = new Map(decoded.map(({ event, named }) => [named.outcome.coordinates, event]));
    for (const { outcome, reason } of report.misfits) batch.deadLetter(events.get(outcome.coordinates) as OutcomeEvent, 'outcome_wrong_type', reason);
    countOutcomes(report);
    this.spans.outcomes(report.joins, { startMs, endMs: Date.now() });
  }

  private decode(batch: EventBatch<'outcome.observed.v1'>, event: OutcomeEvent): { event: OutcomeEvent; named: NamedOutcome }[] {
    try {
      const named = outcomeOf(this.privacy.withholdKey(event), parseTraceparent(event.traceparent));
      const reason = fromTheFuture(named.outcome, this.futureToleranceSeconds);
      if (reason !== undefined) throw new ContractError('outcome_in_future', reason);
      return [{ event, named }];
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      batch.deadLetter(event, error.code, error.message);
      return [];
    }
  }
}
