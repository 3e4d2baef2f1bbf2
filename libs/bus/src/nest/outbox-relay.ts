import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import type { TopicName } from '@throughline/contracts';
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
      const published = await this.publishBatch(session);
      onSuccess();
      if (published < BATCH_SIZE) await notified;
    }
  }

  private async publishBatch(session: Session): Promise<number> {
    const { rows } = await session.query<OutboxRow>('SELECT id, topic, key, value, headers FROM outbox ORDER BY id LIMIT $1', [BATCH_SIZE]);
    this.pending = rows.length < BATCH_SIZE ? rows.length : await countRows(session);
    if (rows.length === 0) return 0;
    await this.producer.sendAll(rows.map(({ topic, key, value, headers }): OutgoingMessage => ({ topic, key, value, headers })));
    // By their ids, not up to one: a transaction with a lower id may commit at this moment.
    await session.query('DELETE FROM outbox WHERE id = ANY($1::bigint[])', [rows.map(({ id }) => id)]);
    this.pending -= rows.length;
    addPerTopic(busMetrics.outboxPublished, rows);
    return rows.length;
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

async function countRows(session: Session): Promise<number> {
  const { rows } = await session.query<{ count: string }>('SELECT count(*) FROM outbox');
  return Number(rows[0]!.count);
}

async function isLocked(session: Session): Promise<boolean> {
  const { rows } = await session.query<{ locked: boolean }>(LOCK_SQL);
  return rows[0]?.locked === true;
}
