import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { inTransaction, openSession, query } from '@throughline/db';
import { LOGGER, Rounds } from '@throughline/http';
import { counter, METRICS, observableGauge, type Logger, type Observation } from '@throughline/telemetry';
import { DataSource } from 'typeorm';
import { forgetRows } from '../books/entries.js';
import { dayOf } from '../domain/prediction.js';
import { ModelClocks } from '../labels/model-clocks.js';
import { ServedVersions } from '../store/served-versions.js';
import { DayArchive } from './day-archive.js';
import { contentsOf, daysOf, exists, tableOf } from './day-tables.js';
import { isDue, oldestDayKnown, oldestUnmatchedMs } from './domain/days.js';
import { detachDay, dropDay, type Session } from './dropping.js';
import { beginPart, noteArchive, noteDrop, type RetiredDay } from './retired-days.js';
import { RETENTION, type RetentionSettings } from './settings.js';
import { sweep } from './sweep.js';

const ROUND_MS = 600_000;
const DAY_SECONDS = 86_400;
const STEPS = ['round', 'day'] as const;
const LOCK_SQL = `SELECT pg_try_advisory_lock(hashtextextended('retention ' || current_schema(), 0)) AS locked`;

const dropped = counter(METRICS.retentionDropped);
const archivedRows = counter(METRICS.retentionArchivedRows);
const failures = counter(METRICS.retentionFailures);

/**
 * Lets days go that are older than the ledger keeps them: archived first where a folder is configured, then dropped whole; later their keys and outcomes are
 * forgotten. One instance at a time does it. What fails is left as it is, counted, and tried again.
 */
@Injectable()
export class Retention implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;
  private beyond: readonly Observation[] = [];
  private readonly archive: DayArchive | undefined;

  constructor(
    @Inject(RETENTION) private readonly settings: RetentionSettings,
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ModelClocks) private readonly clocks: ModelClocks,
    @Inject(ServedVersions) servedVersions: ServedVersions,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.archive = settings.archiveFolder === undefined ? undefined : new DayArchive(settings.archiveFolder, dataSource, servedVersions);
    observableGauge(METRICS.maturityBeyondRetention, () => this.beyond);
  }

  onApplicationBootstrap(): void {
    if (this.settings.retentionDays === 0) return;
    // From 0: of a counter that begins at 1 nobody sees the first increase.
    for (const step of STEPS) failures.add(0, { step });
    this.rounds = new Rounds(ROUND_MS, (stopping) => this.round(Date.now(), stopping), (error) => this.fail('round', error));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async round(nowMs: number, stopping: AbortSignal): Promise<void> {
    await this.compareMaturities(nowMs);
    const session = await openSession(this.dataSource);
    try {
      const { rows } = await session.query<{ locked: boolean }>(LOCK_SQL);
      if (rows[0]?.locked !== true) return;
      await this.retireDays(session, nowMs, stopping);
      await this.sweepDaily(nowMs, stopping);
    } finally {
      await session.end().catch(() => undefined);
    }
  }

  private async retireDays(session: Session, nowMs: number, stopping: AbortSignal): Promise<void> {
    for (const day of await daysOf(this.dataSource)) {
      if (stopping.aborted || !isDue(day, nowMs, this.settings.retentionDays)) return;
      try {
        await this.retire(session, day);
      } catch (error) {
        // The next day may be well: a lock that somebody holds, a model whose file cannot be written.
        this.fail('day', error, day);
      }
    }
  }

  private async retire(session: Session, day: string): Promise<void> {
    const part = await beginPart(this.dataSource, day);
    const attached = await this.archiveOnce(part);
    await detachDay(session, day);
    // An outcome may have come while the files were written. From here on none can.
    const final = await this.archiveOnce(attached);
    await inTransaction(this.dataSource, async (manager) => {
      await dropDay(manager, day);
      await noteDrop(manager, final);
      await forgetRows(manager, 'predictions', day);
    });
    dropped.add(1, { what: 'days' });
    dropped.add(final.predictions, { what: 'predictions' });
    this.logger.info({ day, predictions: final.predictions, files: final.files.length }, final.files.length === 0 ? 'dropped a day without an archive' : 'archived and dropped a day');
  }

  /** The part with an archive of just what is in its tables. */
  private async archiveOnce(part: RetiredDay): Promise<RetiredDay> {
    const { day } = part;
    // An attempt before this one has come further.
    if (!(await exists(this.dataSource, tableOf('prediction', day)))) return part;
    const { contents, predictions } = await contentsOf(this.dataSource, day);
    if (contents === part.contents) return part;
    const files = this.archive === undefined ? [] : await this.archive.write(day, part.part);
    const archived = files.reduce((sum, { kind, rows }) => (kind === 'predictions' ? sum + rows : sum), 0);
    if (this.archive !== undefined && archived !== predictions) throw new Error(`the archive of ${day} holds ${archived} of ${predictions} predictions`);
    await noteArchive(this.dataSource, part, contents, predictions, files);
    archivedRows.add(archived);
    return { ...part, contents, predictions, files };
  }

  private async sweepDaily(nowMs: number, stopping: AbortSignal): Promise<void> {
    const { retentionDays, expiredDays } = this.settings;
    const [last] = await query(this.dataSource, 'SELECT 1 FROM retention_sweep WHERE swept_on >= $1', [dayOf(nowMs)]);
    if (last !== undefined || stopping.aborted) return;
    const limits = { oldestDayKnown: oldestDayKnown(nowMs, retentionDays, expiredDays), oldestUnmatchedMs: oldestUnmatchedMs(nowMs, retentionDays) };
    const swept = await sweep(this.dataSource, limits, () => !stopping.aborted);
    for (const [what, count] of Object.entries(swept)) dropped.add(count, { what });
    if (stopping.aborted) return;
    await query(this.dataSource, 'INSERT INTO retention_sweep VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET swept_on = excluded.swept_on', [dayOf(nowMs)]);
    if (Object.values(swept).some((count) => count > 0)) this.logger.info(swept, 'forgot what was left of predictions that were dropped, and outcomes that nothing came for');
  }

  private async compareMaturities(nowMs: number): Promise<void> {
    const before = new Set(this.beyond.map(({ labels }) => labels['model']));
    this.beyond = (await this.clocks.all(nowMs)).flatMap(({ model, maturitySeconds = 0 }) => {
      const seconds = maturitySeconds - this.settings.retentionDays * DAY_SECONDS;
      return seconds > 0 ? [{ value: seconds, labels: { model } }] : [];
    });
    for (const { labels, value } of this.beyond) {
      if (!before.has(labels['model'])) this.logger.warn({ ...labels, seconds: value }, 'outcomes are expected for longer than predictions are kept: raise LEDGER_RETENTION_DAYS, or lower outcome.maturitySeconds in the policy');
    }
  }

  private fail(step: (typeof STEPS)[number], error: unknown, day?: string): void {
    failures.add(1, { step });
    this.logger.error({ err: error, ...(day === undefined ? {} : { day }) }, 'retention failed: the data is left where it is, and the next round tries again');
  }
}
