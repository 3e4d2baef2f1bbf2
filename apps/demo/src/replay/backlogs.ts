import type { BusAdmin, PartitionOffsets } from '@throughline/bus';
import type { TopicName } from '@throughline/contracts';
import type { Backlog } from '../domain/throttle.js';

/** Who reads what of that which the demo sets in motion. Groups are called like their service. */
const READERS: readonly { readonly consumer: string; readonly topic: TopicName }[] = [
  { consumer: 'inference-worker', topic: 'prediction.requested.v1' },
  { consumer: 'feature-store', topic: 'feature.observed.v1' },
  { consumer: 'outcome-ledger', topic: 'prediction.scored.v1' },
  { consumer: 'outcome-ledger', topic: 'outcome.observed.v1' },
  { consumer: 'drift-monitor', topic: 'prediction.scored.v1' },
];

/** How far the platform's consumers are behind, read from the broker. */
export class BacklogReader {
  private ends = new Map<TopicName, { readonly atMs: number; readonly high: bigint }>();

  constructor(
    private readonly admin: Pick<BusAdmin, 'offsets'>,
    private readonly nowMs: () => number,
  ) {}

  async read(): Promise<Backlog[]> {
    const before = this.ends;
    this.ends = new Map();
    return Promise.all(READERS.map(async ({ consumer, topic }) => {
      const offsets = await this.admin.offsets(topic, consumer);
      const end = { atMs: this.nowMs(), high: sumOf(offsets, ({ high }) => high) };
      const last = before.get(topic);
      this.ends.set(topic, end);
      const messagesPerSecond = last === undefined ? 0 : (Number(end.high - last.high) * 1000) / (end.atMs - last.atMs);
      return { consumer, messages: Number(behind(offsets)), messagesPerSecond };
    }));
  }

  /** Messages of the topic that the consumer has not finished. */
  async of(consumer: string, topic: TopicName): Promise<number> {
    return Number(behind(await this.admin.offsets(topic, consumer)));
  }
}

/** The two ends are not read at one instant: a group may have passed the end that was seen. */
const behind = (offsets: readonly PartitionOffsets[]): bigint => sumOf(offsets, ({ high, low, committed = low }) => (high > committed ? high - committed : 0n));
const sumOf = (offsets: readonly PartitionOffsets[], value: (offsets: PartitionOffsets) => bigint): bigint => offsets.reduce((sum, partition) => sum + value(partition), 0n);
