import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, query } from '@throughline/db';
import { LOGGER } from '@throughline/http';
import type { Logger } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { recordset, timestamp } from '../store/rows.js';
import { isMadeAnew, suspiciousSinceMs, type SeenPartition } from './domain/epochs.js';
import { keyOf, type PartitionReading } from './domain/positions.js';
import { KafkaReader } from './kafka-reader.js';

const COLUMNS = { topic: 'text', partition: 'integer', epoch: 'integer', opened_offset: 'bigint', high: 'bigint', seen_at: 'timestamptz' } as const;
const NAMES = Object.keys(COLUMNS).join(', ');
const SEE = `INSERT INTO book_partition (${NAMES}) SELECT ${NAMES} FROM ${recordset(1, COLUMNS)} ORDER BY topic, partition
  ON CONFLICT (topic, partition) DO UPDATE SET high = excluded.high, seen_at = excluded.seen_at, opened_offset = coalesce(book_partition.opened_offset, excluded.opened_offset)
  WHERE book_partition.epoch = excluded.epoch`;
const MAKE_ANEW = `UPDATE book_partition SET epoch = epoch + 1, opened_offset = NULL, high = 0, seen_at = $4 WHERE topic = $1 AND partition = $2 AND epoch = $3 RETURNING epoch`;

/** What was seen of Kafka's partitions, to be compared with what is read of them after it. */
export interface Seen {
  readonly partitions: ReadonlyMap<string, SeenPartition>;
  /** The books have just been opened on a ledger that is older than they. */
  readonly isOpening: boolean;
}

export interface Openings {
  /** By `topic/partition`: what lies below nobody can tell anything of, unless it is covered. */
  readonly offsets: ReadonlyMap<string, number>;
  /** Changes when a topic was made anew. */
  readonly generation: number;
}

/** Notices topics that were deleted and made anew: their offsets begin at 0 again, and what covers the old ones says nothing of them. */
@Injectable()
export class PartitionEpochs {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(KafkaReader) private readonly kafka: KafkaReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Before Kafka is read: of one topic, ends that are read later never lie before those that were seen. */
  async load(): Promise<Seen> {
    const [[opening], rows] = await Promise.all([
      query<{ is_due: boolean }>(this.dataSource, 'SELECT is_due FROM book_opening'),
      query<{ topic: string; partition: number; epoch: number; opened_offset: string | null; high: string; seen_at: Date }>(this.dataSource, `SELECT ${NAMES} FROM book_partition`),
    ]);
    const partitions = rows.map((row): SeenPartition => ({ topic: row.topic, partition: row.partition, epoch: row.epoch, openedOffset: row.opened_offset === null ? undefined : Number(row.opened_offset), high: Number(row.high), seenAtMs: row.seen_at.getTime() }));
    return { partitions: new Map(partitions.map((one) => [keyOf(one), one])), isOpening: opening?.is_due === true };
  }

  /** @param nowMs after the reading */
  async notice({ partitions, isOpening }: Seen, read: readonly PartitionReading[], nowMs: number): Promise<Openings> {
    const anew = await this.madeAnew(partitions, read);
    if (anew.length > 0) await this.beginAnew(anew, nowMs);
    for (const [topic, of] of Map.groupBy(anew, (one) => one.topic)) this.logger.warn({ topic, partitions: of.map(({ partition }) => partition) }, 'a topic was deleted and made anew: of what it has had until now the books cannot tell what became of it');
    const again = new Set(anew.map(keyOf));
    const opened = (one: PartitionReading): number => {
      const seen = partitions.get(keyOf(one));
      if (seen === undefined) return isOpening ? (one.committed ?? one.low) : 0;
      return again.has(keyOf(one)) ? one.high : (seen.openedOffset ?? one.high);
    };
    const offsets = new Map(read.map((one) => [keyOf(one), opened(one)]));
    // One whose end has gone back without being another is looked at again as it was.
    const seen = read.filter((one) => !again.has(keyOf(one)) && one.high >= (partitions.get(keyOf(one))?.high ?? 0));
    const rows = seen.map((one) => ({ topic: one.topic, partition: one.partition, epoch: partitions.get(keyOf(one))?.epoch ?? 1, opened_offset: opened(one), high: one.high, seen_at: timestamp(nowMs) }));
    await inTransaction(this.dataSource, async (manager) => {
      if (rows.length > 0) await manager.query(SEE, [JSON.stringify(rows)]);
      if (isOpening) await manager.query('UPDATE book_opening SET is_due = false');
    });
    return { offsets, generation: [...partitions.values()].reduce((sum, { epoch }) => sum + epoch, 0) - partitions.size + anew.length };
  }

  private async madeAnew(partitions: Seen['partitions'], read: readonly PartitionReading[]): Promise<SeenPartition[]> {
    const suspicious = read.flatMap((now) => {
      const seen = partitions.get(keyOf(now));
      const sinceMs = seen === undefined ? undefined : suspiciousSinceMs(seen, now);
      return seen === undefined || sinceMs === undefined ? [] : [{ seen, now, sinceMs }];
    });
    const questions = Map.groupBy(suspicious, ({ now: { topic }, sinceMs }) => `${topic} ${sinceMs}`);
    const found = await Promise.all([...questions.values()].map(async (of) => {
      const first = await this.kafka.firstSince(of[0]!.now.topic, of[0]!.sinceMs);
      return of.filter(({ now }) => isMadeAnew(now, first.get(now.partition) ?? now.high)).map(({ seen }) => seen);
    }));
    // A topic is deleted whole, also where a partition alone would not show it.
    const topics = new Set(found.flat().map(({ topic }) => topic));
    return [...partitions.values()].filter(({ topic }) => topics.has(topic));
  }

  /**
   * In two steps: what is dealt with from now on is covered, and when its end is read next, everything below that may have been dealt with before. All partitions
   * at once: who looks at the same time must not take a topic that is half anew for one with losses.
   */
  private async beginAnew(partitions: readonly SeenPartition[], nowMs: number): Promise<void> {
    await inTransaction(this.dataSource, async (manager) => {
      // Who writes at this moment has ended before: what it sums up would be left as new rows that the deletion does not see.
      await manager.query('LOCK TABLE book_offsets IN SHARE ROW EXCLUSIVE MODE');
      for (const { topic, partition, epoch } of partitions) {
        const [rows]: [object[], number] = await manager.query(MAKE_ANEW, [topic, partition, epoch, timestamp(nowMs)]);
        if (rows.length > 0) await manager.query('DELETE FROM book_offsets WHERE topic = $1 AND partition = $2', [topic, partition]);
      }
    });
  }
}
