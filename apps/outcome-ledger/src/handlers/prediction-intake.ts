import { Inject, Injectable } from '@nestjs/common';
import type { EventBatch } from '@throughline/bus';
import { ContractError, type Event, type EventTopic } from '@throughline/contracts';
import { parseTraceparent } from '@throughline/telemetry';
import { BookKeeper } from '../books/book-keeper.js';
import { chunksByBytes } from '../domain/chunks.js';
import { implausibleDay, type PredictionRecord, type TraceRef } from '../domain/prediction.js';
import { PrivacyPolicies } from '../privacy/policies.js';
import { tooOld } from '../retention/domain/days.js';
import { RETENTION, type RetentionSettings } from '../retention/settings.js';
import { PredictionStore } from '../store/prediction-store.js';
import { countPredictions } from './ledger-metrics.js';
import { LedgerSpans } from './ledger-spans.js';

type AnswerTopic = 'prediction.scored.v1' | 'prediction.rejected.v1' | 'prediction.shadowed.v1';
type RecordOf<T extends EventTopic> = (event: Event<T>, trace: TraceRef | undefined) => PredictionRecord;

export const MAX_BATCH_SIZE = 1000;
const MAX_TRANSACTION_BYTES = 4 * 1024 * 1024;

/** What the three topics of answers have in common: decode, bound, write, then tell metrics and traces. */
@Injectable()
export class PredictionIntake {
  constructor(
    private readonly store: PredictionStore,
    private readonly spans: LedgerSpans,
    private readonly privacy: PrivacyPolicies,
    private readonly books: BookKeeper,
    @Inject(RETENTION) private readonly retention: RetentionSettings,
  ) {}

  async record<T extends AnswerTopic>(batch: EventBatch<T>, recordOf: RecordOf<T>): Promise<void> {
    await this.books.enterUnhandled(batch);
    for (const records of chunks(decode(batch, recordOf, this.retention))) {
      const startMs = Date.now();
      const report = await this.store.record(await this.privacy.withhold(records));
      const took = { startMs, endMs: Date.now() };
      countPredictions(report);
      this.spans.recorded(report.recorded, took);
      this.spans.outcomes(report.joins, took);
    }
  }

  async recordShadows(batch: EventBatch<'prediction.shadowed.v1'>, recordOf: RecordOf<'prediction.shadowed.v1'>): Promise<void> {
    // One that could not have answered says nothing to hold against an outcome; it is counted where shadows are compared.
    const answered = { ...batch, events: batch.events.filter(({ data }) => data.failed === undefined) };
    for (const records of chunks(decode(answered, recordOf, this.retention))) await this.store.recordShadows(await this.privacy.withhold(records));
  }
}

interface Sized {
  readonly record: PredictionRecord;
  readonly sizeBytes: number;
}

const chunks = (sized: readonly Sized[]): PredictionRecord[][] => chunksByBytes(sized, ({ sizeBytes }) => sizeBytes, MAX_TRANSACTION_BYTES).map((chunk) => chunk.map(({ record }) => record));

function decode<T extends AnswerTopic>(batch: EventBatch<T>, recordOf: RecordOf<T>, { retentionDays }: RetentionSettings): Sized[] {
  const nowMs = Date.now();
  return batch.events.flatMap((event) => {
    try {
      const record = recordOf(event, parseTraceparent(event.traceparent));
      const implausible = implausibleDay(record, nowMs) ?? tooOld(record, nowMs, retentionDays);
      if (implausible !== undefined) throw new ContractError('value_forbidden', implausible);
      return [{ record, sizeBytes: event.message.value?.length ?? 0 }];
    } catch (error) {
      if (!(error instanceof ContractError)) throw error;
      batch.deadLetter(event, error.code, error.message);
      return [];
    }
  });
}
