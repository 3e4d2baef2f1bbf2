import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ContractError, type TopicName } from '@throughline/contracts';
import { openSession, OUTBOX_CHANNEL_SQL } from '@throughline/db';
import { METRICS, observableGauge } from '@throughline/telemetry';
import type { DataSource } from 'typeorm';
import { backoffMs, pauseFor } from '../consume/backoff.js';
import { addPerTopic, busMetrics } from '../metrics.js';
import type { BusProducer, OutgoingMessage } from '../port.js';
import { silentLogger, type BusLogger } from '../settings.js';

type Session = Awaited<ReturnType<typeof openSession>>;

interface OutboxRow {
  readonly id: string;
  readonly topic: TopicName;
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly headers: Record<string, string>;
}

const BATCH_SIZE = 500;
/** What is read at once; a row more than that comes alone. */
const BATCH_MAX_BYTES = 4 * 1024 * 1024;
/** Sizes are known without reading the values, so that only those of the batch are read. */
const BATCH_SQL = `
  SELECT id, topic, key, value, headers
  FROM (SELECT *, sum(octet_length(key) + coalesce(octet_length(value), 0)) OVER (ORDER BY id) - coalesce(octet_length(value), 0) - octet_length(key) AS bytes_before
        FROM (SELECT * FROM outbox WHERE id <> ALL($2::bigint[]) ORDER BY id LIMIT $1) AS next) AS measured
  WHERE bytes_before <= $3 ORDER BY id`;
/** Only a notification that got lost waits this long. */
const POLL_INTERVAL_MS = 1_000;
const LOCK_SQL = `SELECT pg_try_advisory_lock(hashtextextended('outbox ' || current_schema(), 0)) AS locked`;

/**
 * Publishes the outbox of one schema in its order, and deletes what the brokers have acknowledged. One relay at a time works: the one whose
 * session holds the lock; PostgreSQL releases it when the session ends, however that happens. A crash between publishing and deleting
 * publishes twice, never not at all.
 */
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly abort = new AbortController();
  private wake: () => void = () => {};
  private finished: Promise<void> | undefined;
  private pending = 0;
  /** Rows that no broker takes. They stay where they are, for somebody to look at, and hold up nobody. */
  private readonly refused = new Set<string>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly producer: Pick<BusProducer, 'sendAll'>,
    private readonly logger: BusLogger = silentLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  start(): void {
    this.finished ??= this.work().finally(observableGauge(METRICS.outboxPending, () => this.pending));
  }

  /** Resolves when the batch in flight is published and deleted. */
  async stop(): Promise<void> {
    this.abort.abort();
    this.wake();
    await this.finished;
  }

  private async work(): Promise<void> {
    for (let failures = 0; !this.abort.signal.aborted;) {
      let session: Session | undefined;
      try {
        session = await openSession(this.dataSource);
        await this.relay(session, () => {
          failures = 0;
        });
      } catch (error) {
        failures += 1;
        this.logger.warn({ reason: (error as Error).message, failures }, 'the outbox relay was interrupted');
        await pauseFor(backoffMs(failures, Math.random()), this.abort.signal);
      } finally {
        await session?.end().catch(() => {});
      }
    }
  }

  private async relay(session: Session, onSuccess: () => void): Promise<void> {
    session.on('notification', () => this.wake());
    // Without this a lost connection would be noticed at the next poll only.
    session.on('end', () => this.wake());
    while (!this.abort.signal.aborted && !(await isLocked(session))) await pauseFor(POLL_INTERVAL_MS, this.abort.signal);
    await session.query(`DO $$ BEGIN EXECUTE format('LISTEN %I', ${OUTBOX_CHANNEL_SQL}); END $$`);
    while (!this.abort.signal.aborted) {
      const notified = this.nextWake();
      const isAll = await this.publishBatch(session);
      onSuccess();
      if (isAll) await notified;
    }
  }

  /** Whether nothing was left behind. */
  private async publishBatch(session: Session): Promise<boolean> {
    const { rows } = await session.query<OutboxRow>(BATCH_SQL, [BATCH_SIZE, [...this.refused], BATCH_MAX_BYTES]);
    const isAll = rows.length < BATCH_SIZE && sizeBytes(rows) <= BATCH_MAX_BYTES;
    this.pending = isAll ? rows.length + this.refused.size : await countRows(session);
    if (rows.length === 0) return true;
    const sent = await this.send(rows);
    // By their ids, not up to one: a transaction with a lower id may commit at this moment.
    await session.query('DELETE FROM outbox WHERE id = ANY($1::bigint[])', [sent.map(({ id }) => id)]);
    this.pending -= sent.length;
    addPerTopic(busMetrics.outboxPublished, sent);
    return isAll;
  }

  /** Those that were acknowledged. When one is too large for the brokers, each is sent alone, so that the others go out. */
  private async send(rows: readonly OutboxRow[]): Promise<readonly OutboxRow[]> {
    try {
      await this.producer.sendAll(rows.map(messageOf));
      return rows;
    } catch (error) {
      if (!isTooLarge(error)) throw error;
    }
    const sent: OutboxRow[] = [];
    for (const row of rows) {
      try {
        await this.producer.sendAll([messageOf(row)]);
        sent.push(row);
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        this.refused.add(row.id);
        this.logger.error(
          { id: row.id, topic: row.topic, reason: (error as Error).message },
          'a row of the outbox is too large for the brokers; it stays there, unpublished',
        );
      }
    }
    return sent;
  }

  /** Resolves at the next notification, at the stop, or when a poll is due. */
  private nextWake(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, POLL_INTERVAL_MS);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.abort.signal.aborted) this.wake();
    });
  }
}

const sizeBytes = (rows: readonly OutboxRow[]): number => rows.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
const messageOf = ({ topic, key, value, headers }: OutboxRow): OutgoingMessage => ({ topic, key, value, headers });
const isTooLarge = (error: unknown): boolean => error instanceof ContractError && error.code === 'message_too_large';

async function countRows(session: Session): Promise<number> {
  const { rows } = await session.query<{ count: string }>('SELECT count(*) FROM outbox');
  return Number(rows[0]!.count);
}

async function isLocked(session: Session): Promise<boolean> {
  const { rows } = await session.query<{ locked: boolean }>(LOCK_SQL);
  return rows[0]?.locked === true;
}
