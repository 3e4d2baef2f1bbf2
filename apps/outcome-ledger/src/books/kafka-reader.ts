import { Inject, Injectable } from '@nestjs/common';
import { BUS, isOwnTopic, toTopic, type AnyTopic, type Bus } from '@throughline/bus';
import { ContractError, type ModelDeployment } from '@throughline/contracts';
import { CoverageStore } from './coverage-store.js';
import { ANSWER_TOPICS, HOUR_MS, kindOf, OUTCOME_TOPICS, REQUEST_TOPICS } from './domain/places.js';
import type { PartitionBounds, PartitionReading, Reading } from './domain/positions.js';

/** Groups that answer requests and take in answers and outcomes. */
const WORKERS = 'inference-worker';
const LEDGER = 'outcome-ledger';
/** An hour that ended so long ago gets no further message, whatever the brokers' clocks say. */
const CLOCKS_MS = 60_000;
const MAX_KEPT_HOURS = 20_000;

export interface HourStart {
  readonly hourMs: number;
  readonly offset: number;
}

/** What the books have to know of Kafka: ends, positions of groups, and where hours begin. */
@Injectable()
export class KafkaReader {
  private readonly named = new Map<string, readonly string[]>();
  /** First offsets of hours that are over: they never change. */
  private readonly hours = new Map<string, ReadonlyMap<number, bigint>>();

  constructor(
    @Inject(BUS) private readonly bus: Bus,
    @Inject(CoverageStore) private readonly coverage: CoverageStore,
  ) {}

  /** A deployment may have requests on topics of its own. */
  learn({ model, requestTopics }: ModelDeployment): void {
    this.named.set(model, requestTopics ?? []);
  }

  /** Answers after requests: what the workers have committed is then on the topics of answers. */
  async read(): Promise<Reading> {
    const requests = await this.offsets(await this.requestTopics(), WORKERS);
    const answers = await this.offsets(ANSWER_TOPICS, LEDGER);
    return { requests, answers, outcomes: await this.offsets(OUTCOME_TOPICS, LEDGER) };
  }

  /** Where each hour from `fromMs` to the first one at or after `toMs` begins in a partition, by `topic/partition`. */
  async hourStarts(bounds: readonly PartitionBounds[], fromMs: number, toMs: number, nowMs: number): Promise<Map<string, HourStart[]>> {
    const starts = new Map(bounds.map(({ topic, partition }) => [`${topic}/${partition}`, [] as HourStart[]]));
    const hours = Array.from({ length: Math.ceil((toMs - fromMs) / HOUR_MS) + 1 }, (_, index) => fromMs + index * HOUR_MS);
    await Promise.all([...Map.groupBy(bounds, ({ topic }) => topic)].map(async ([topic, partitions]) => {
      for (const hourMs of hours) {
        const first = hourMs > nowMs ? undefined : await this.firstOf(toTopic(topic), hourMs, nowMs);
        for (const { partition, high } of partitions) starts.get(`${topic}/${partition}`)?.push({ hourMs, offset: Number(first?.get(partition) ?? high) });
      }
    }));
    return starts;
  }

  /** By partition: the first message that came at this instant or later; the end where none has. */
  async firstSince(topic: string, sinceMs: number): Promise<ReadonlyMap<number, number>> {
    const found = await this.bus.admin.offsetsAt(toTopic(topic), sinceMs);
    return new Map([...found].map(([partition, offset]) => [partition, Number(offset)]));
  }

  /** Topics are not what they were. */
  forgetHours(): void {
    this.hours.clear();
  }

  private async firstOf(topic: AnyTopic, hourMs: number, nowMs: number): Promise<ReadonlyMap<number, bigint>> {
    const key = `${topic}/${hourMs}`;
    const known = this.hours.get(key);
    if (known !== undefined) return known;
    const found = await this.bus.admin.offsetsAt(topic, hourMs);
    if (hourMs + CLOCKS_MS < nowMs) {
      if (this.hours.size >= MAX_KEPT_HOURS) this.hours.clear();
      this.hours.set(key, found);
    }
    return found;
  }

  private async requestTopics(): Promise<string[]> {
    const seen = await this.coverage.topics();
    return [...new Set([...REQUEST_TOPICS, ...[...this.named.values()].flat(), ...seen].filter((topic) => kindOf(topic) === 'requests'))];
  }

  private async offsets(topics: readonly string[], group: string): Promise<PartitionReading[]> {
    const readings = await Promise.all(topics.map((topic) => this.offsetsOf(toTopic(topic), group)));
    return readings.flat();
  }

  private async offsetsOf(topic: AnyTopic, group: string): Promise<PartitionReading[]> {
    try {
      const partitions = await this.bus.admin.offsets(topic, group);
      return partitions.map(({ partition, low, high, committed }) => ({ topic, partition, low: Number(low), high: Number(high), committed: committed === undefined ? undefined : Number(committed) }));
    } catch (error) {
      // A topic of somebody's own may be gone, or not be there yet.
      if (isOwnTopic(topic) && error instanceof ContractError && error.code === 'not_found') return [];
      throw error;
    }
  }
}
