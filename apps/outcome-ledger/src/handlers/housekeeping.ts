import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER, Rounds } from '@throughline/http';
import { METRICS, observableGauge, type Logger } from '@throughline/telemetry';
import { Books, type Summary } from '../store/books.js';
import { OutcomeStore } from '../store/outcome-store.js';
import { Partitions } from '../store/partitions.js';
import { countJoins } from './ledger-metrics.js';
import { LedgerSpans } from './ledger-spans.js';

const LOOK_AGAIN_MS = 1_000;
const GAUGES_MS = 5_000;
const PARTITIONS_MS = 3_600_000;

/** What the ledger does without being told: looks again for predictions of waiting outcomes, keeps partitions ahead and gauges fresh. */
@Injectable()
export class Housekeeping implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly loops: Rounds[] = [];
  private books: Pick<Summary, 'pending' | 'unmatched'> = { pending: 0, unmatched: 0 };

  constructor(
    private readonly outcomes: OutcomeStore,
    private readonly partitions: Partitions,
    private readonly bookkeeping: Books,
    private readonly spans: LedgerSpans,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    observableGauge(METRICS.ledgerPending, () => this.books.pending);
    observableGauge(METRICS.ledgerUnmatched, () => this.books.unmatched);
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.partitions.ensureAhead(Date.now());
    this.every(LOOK_AGAIN_MS, 'looking again for predictions', () => this.lookAgain());
    this.every(GAUGES_MS, 'reading the books', async () => void (this.books = await this.bookkeeping.summary({ auc: false })));
    this.every(PARTITIONS_MS, 'making partitions', () => this.partitions.ensureAhead(Date.now()));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((rounds) => rounds.stop()));
  }

  private async lookAgain(): Promise<void> {
    const startMs = Date.now();
    const joins = await this.outcomes.lookAgain(startMs);
    countJoins(joins);
    this.spans.outcomes(joins, { startMs, endMs: Date.now() });
  }

  private every(intervalMs: number, what: string, work: () => Promise<void>): void {
    this.loops.push(new Rounds(intervalMs, work, (error) => this.logger.warn({ err: error }, `${what} failed`)));
  }
}
