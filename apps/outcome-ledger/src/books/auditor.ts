import { Inject, Injectable } from '@nestjs/common';
import { CoverageStore, type Gap } from './coverage-store.js';
import { HOUR_MS, hourOf } from './domain/places.js';
import { boundsOf, NOTHING_SETTLED, settle, type PartitionBounds, type Settling } from './domain/positions.js';
import { balances, hourAccounts, hourKey, topicAccounts, type Account, type HourAccount, type Judged, type RowBalance, type TopicAccount } from './domain/report.js';
import { hourSpans, wholeSpans, type Span } from './domain/spans.js';
import { KafkaReader, type HourStart } from './kafka-reader.js';
import { PartitionEpochs } from './partition-epochs.js';
import { RowsStore } from './rows-store.js';

/** The list of what is missing is bounded; the count is not. */
export const MAX_GAPS = 100;

/** A run of messages that are nowhere, and the hour in which they came. */
export interface MissingRange extends Gap {
  /** Absent where hours were not asked for. */
  readonly hour?: string;
}

export interface BooksReport {
  /** Whole hours of processing time: [from, to). */
  readonly from: string;
  readonly to: string;
  readonly checkedAt: string;
  readonly balanced: boolean;
  readonly total: Pick<Account, 'inFlight' | 'missing' | 'vanished' | 'unrecorded'>;
  readonly topics: readonly TopicAccount[];
  readonly hours: readonly HourAccount[];
  readonly missing: readonly MissingRange[];
}

/** How the messages of a topic stand, of all times. */
export interface TopicStanding {
  readonly missing: number;
  readonly inFlight: number;
  readonly unverifiable: number;
}

/** Balances the books: what Kafka has against what the ledger has dealt with and holds. */
@Injectable()
export class Auditor {
  private settling: Settling = NOTHING_SETTLED;
  private generation = 0;

  constructor(
    @Inject(KafkaReader) private readonly kafka: KafkaReader,
    @Inject(PartitionEpochs) private readonly epochs: PartitionEpochs,
    @Inject(CoverageStore) private readonly coverage: CoverageStore,
    @Inject(RowsStore) private readonly rows: RowsStore,
  ) {}

  /** Every message that Kafka still has, and where the first missing ones are. Reads no rows. */
  async standing(): Promise<{ topics: Map<string, TopicStanding>; missing: MissingRange[] }> {
    const judged = await this.judge(wholeSpans(await this.bounds()));
    return { topics: standingOf(judged), missing: await this.missingOf(judged) };
  }

  /** The hours that [fromMs, toMs) touches. */
  async report(fromMs: number, toMs: number, nowMs: number): Promise<BooksReport> {
    const [from, to] = [hourOf(fromMs), Math.ceil(toMs / HOUR_MS) * HOUR_MS];
    const bounds = await this.bounds();
    const starts = await this.kafka.hourStarts(bounds, from, to, nowMs);
    const judged = await this.judge(bounds.flatMap((one) => hourSpans(one, starts.get(`${one.topic}/${one.partition}`) ?? [])));
    const { rows, balances: rowBalances } = await this.rows.report(from, to);
    const hours = hourAccounts({ judged, rows, balances: rowBalances, cutHours: cutHours(bounds, starts) });
    const unverifiable = new Map([...standingOf(await this.judge(wholeSpans(bounds)))].map(([topic, standing]) => [topic, standing.unverifiable]));
    const topics = topicAccounts(hours, unverifiable);
    const total = totalOf(topics);
    return {
      from: new Date(from).toISOString(), to: new Date(to).toISOString(), checkedAt: new Date(nowMs).toISOString(), balanced: balances(total), total, topics, hours,
      missing: await this.missingOf(judged),
    };
  }

  /** Rows of a UTC day that are there no more, or that nobody wrote down; counted in the background. */
  async rowsOf(day: string): Promise<readonly RowBalance[]> {
    const fromMs = Date.parse(day);
    return (await this.rows.report(fromMs, fromMs + 24 * HOUR_MS, { isUrgent: false })).balances;
  }

  private async bounds(): Promise<PartitionBounds[]> {
    const seen = await this.epochs.load();
    const reading = await this.kafka.read();
    const openings = await this.epochs.notice(seen, [...reading.requests, ...reading.answers, ...reading.outcomes], Date.now());
    this.settling = settle(openings.generation === this.generation ? this.settling : NOTHING_SETTLED, reading);
    if (openings.generation !== this.generation) this.kafka.forgetHours();
    this.generation = openings.generation;
    return boundsOf(reading, this.settling, openings.offsets);
  }

  /** After the positions were read: what was committed then is covered by now. */
  private async judge(spans: readonly Span[]): Promise<Judged[]> {
    const covered = await this.coverage.coveredOf(spans);
    return spans.map((span, index) => ({ span, covered: covered[index]! }));
  }

  private async missingOf(judged: readonly Judged[]): Promise<MissingRange[]> {
    const found: MissingRange[] = [];
    for (const { span, covered } of judged) {
      if (span.kind !== 'settled' || covered.handled === span.to - span.from || found.length >= MAX_GAPS) continue;
      const gaps = await this.coverage.gapsOf(span, MAX_GAPS - found.length);
      found.push(...gaps.map((gap) => ({ ...gap, ...(span.hourMs === undefined ? {} : { hour: new Date(span.hourMs).toISOString() }) })));
    }
    return found;
  }
}

const NO_STANDING: TopicStanding = { missing: 0, inFlight: 0, unverifiable: 0 };
const MEASURE = { settled: 'missing', open: 'inFlight', deleted: 'unverifiable' } as const;

function standingOf(judged: readonly Judged[]): Map<string, TopicStanding> {
  const topics = new Map<string, TopicStanding>();
  for (const { span, covered } of judged) {
    const known = topics.get(span.topic) ?? NO_STANDING;
    const measure = MEASURE[span.kind];
    topics.set(span.topic, { ...known, [measure]: known[measure] + span.to - span.from - covered.handled });
  }
  return topics;
}

/** Hours of which Kafka has deleted messages: those that begin, as far as it can tell, where it begins. */
function cutHours(bounds: readonly PartitionBounds[], starts: ReadonlyMap<string, readonly HourStart[]>): Set<string> {
  const cut = bounds.filter(({ low }) => low > 0);
  return new Set(cut.flatMap(({ topic, partition, low }) => (starts.get(`${topic}/${partition}`) ?? []).filter(({ offset }) => offset <= low).map(({ hourMs }) => hourKey(topic, hourMs))));
}

const totalOf = (topics: readonly TopicAccount[]): BooksReport['total'] => topics.reduce((sum, one) => ({
  inFlight: sum.inFlight + one.inFlight, missing: sum.missing + one.missing, vanished: sum.vanished + one.vanished, unrecorded: sum.unrecorded + one.unrecorded,
}), { inFlight: 0, missing: 0, vanished: 0, unrecorded: 0 });
