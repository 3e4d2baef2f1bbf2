import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LOGGER, Rounds } from '@throughline/http';
import { METRICS, observableGauge, type Logger, type Observation } from '@throughline/telemetry';
import { Auditor, type MissingRange, type TopicStanding } from './auditor.js';
import { CoverageStore } from './coverage-store.js';
import { RowsStore } from './rows-store.js';

/** Milliseconds between two rounds. */
export const BOOKS_EVERY_MS = Symbol('BOOKS_EVERY_MS');
/** To count a day of rows is to read it: it may take this share of the time. */
const COUNTING_SHARE = 0.05;
const LISTED = 5;

interface RowLoss {
  readonly vanished: number;
  readonly unrecorded: number;
}

/** Balances the books all the time, and says so: gauges, and a line when they do not balance or do so again. */
@Injectable()
export class ContinuousBooks implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;
  private topics: ReadonlyMap<string, TopicStanding> = new Map();
  private readonly days = new Map<string, { readonly countedAtMs: number; readonly loss: RowLoss }>();
  private checkedAtMs: number | undefined;
  private readonly startedAtMs = Date.now();
  private mayCountAtMs = 0;
  private wasBalanced = true;

  constructor(
    @Inject(Auditor) private readonly auditor: Auditor,
    @Inject(CoverageStore) private readonly coverage: CoverageStore,
    @Inject(RowsStore) private readonly rows: RowsStore,
    @Inject(BOOKS_EVERY_MS) private readonly everyMs: number,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    const byTopic = (of: keyof TopicStanding) => (): Observation[] => [...this.topics].map(([topic, standing]) => ({ value: standing[of], labels: { topic } }));
    observableGauge(METRICS.booksMissing, byTopic('missing'));
    observableGauge(METRICS.booksInFlight, byTopic('inFlight'));
    observableGauge(METRICS.booksUnverifiable, byTopic('unverifiable'));
    observableGauge(METRICS.booksVanished, () => this.rowLoss().vanished);
    observableGauge(METRICS.booksUnrecorded, () => this.rowLoss().unrecorded);
    observableGauge(METRICS.booksBalanced, () => (this.checkedAtMs === undefined ? [] : [{ value: this.isBalanced() ? 1 : 0, labels: {} }]));
    // Books that have never been looked at since the start are as old as that: an alert on their age must not wait for the first look.
    observableGauge(METRICS.booksAgeSeconds, () => (Date.now() - (this.checkedAtMs ?? this.startedAtMs)) / 1000);
  }

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(this.everyMs, () => this.round(), (error) => this.logger.warn({ err: error }, 'the books could not be balanced'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async round(): Promise<void> {
    await this.coverage.sumUp();
    await this.rows.sumUp();
    const { topics, missing } = await this.auditor.standing();
    await this.countRows();
    this.topics = topics;
    this.checkedAtMs = Date.now();
    this.tell(missing);
  }

  /** The day that was counted longest ago, and so on, while there is time: a small ledger is counted whole in every round. */
  private async countRows(): Promise<void> {
    const startMs = Date.now();
    const days = await this.rows.days();
    for (const day of this.days.keys()) if (!days.includes(day)) this.days.delete(day);
    const due = days.toSorted((a, b) => (this.days.get(a)?.countedAtMs ?? 0) - (this.days.get(b)?.countedAtMs ?? 0));
    for (const day of due) {
      const nowMs = Date.now();
      if (nowMs < this.mayCountAtMs || nowMs - startMs > this.everyMs * COUNTING_SHARE) return;
      const balances = await this.auditor.rowsOf(day);
      const tookMs = Date.now() - nowMs;
      if (tookMs > this.everyMs * COUNTING_SHARE) this.mayCountAtMs = Date.now() + tookMs / COUNTING_SHARE;
      const loss = balances.reduce((sum, { recorded, counted }) => ({ vanished: sum.vanished + Math.max(0, recorded - counted), unrecorded: sum.unrecorded + Math.max(0, counted - recorded) }), NO_LOSS);
      this.days.set(day, { countedAtMs: nowMs, loss });
    }
  }

  private rowLoss(): RowLoss {
    return [...this.days.values()].reduce((sum, { loss }) => ({ vanished: sum.vanished + loss.vanished, unrecorded: sum.unrecorded + loss.unrecorded }), NO_LOSS);
  }

  private isBalanced(): boolean {
    const { vanished, unrecorded } = this.rowLoss();
    return vanished === 0 && unrecorded === 0 && [...this.topics.values()].every(({ missing }) => missing === 0);
  }

  /** Once when it begins and once when it is over: the gauges say how long it lasts. */
  private tell(missing: readonly MissingRange[]): void {
    const isBalanced = this.isBalanced();
    if (isBalanced === this.wasBalanced) return;
    this.wasBalanced = isBalanced;
    const lost = [...this.topics].filter(([, standing]) => standing.missing > 0).map(([topic, standing]) => `${topic}: ${standing.missing}`);
    const first = missing.slice(0, LISTED).map(({ topic, partition, from, to }) => `${topic}/${partition}/${from}${to - from > 1 ? `-${to - 1}` : ''}`);
    if (isBalanced) this.logger.info('the books balance again');
    else this.logger.error({ missing: lost, first, ...this.rowLoss() }, 'the books do not balance: `throughline audit` says where');
  }
}

const NO_LOSS: RowLoss = { vanished: 0, unrecorded: 0 };
