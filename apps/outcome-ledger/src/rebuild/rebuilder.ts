import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { inTransaction, Outbox } from '@throughline/db';
import { LOGGER, Rounds } from '@throughline/http';
import { counter, METRICS, type Logger } from '@throughline/telemetry';
import { DataSource, type EntityManager } from 'typeorm';
import { spendingOfJoin } from '../costs/domain/spending.js';
import { loadFacts } from '../store/facts.js';
import { lockKeys } from '../store/keys.js';
import { loadBestOutcomes } from '../store/outcome-rows.js';
import { ServedVersions } from '../store/served-versions.js';
import { joinedMessage, writeJoined } from '../store/settle.js';
import { loadShadows } from '../store/shadows.js';
import { addToTally } from '../store/tally.js';
import { retell, type Retelling, type ToldJoin } from './domain/retelling.js';
import { loadToldJoins } from './told-joins.js';

const ROUND_MS = 500;
/** After a page that failed the rebuilds of other models have their turn for so long. */
const REST_MS = 5_000;
const PAGE_ROWS = 500;
/** Messages that may wait in the outbox: joins of today must not wait behind those of a year. */
const MAX_OUTBOX_MESSAGES = 2_000;

const retold = counter(METRICS.ledgerRetold);

interface Job {
  readonly rebuild_id: string;
  readonly model: string;
  readonly period_to: string;
  readonly position_at: string;
  readonly position_id: string;
}

interface Next {
  readonly prediction_id: string;
  readonly position_at: string;
  readonly is_erased: boolean;
}

interface Page {
  readonly seen: number;
  readonly unchanged: number;
  readonly corrected: number;
  readonly unjudged: number;
}

/** The oldest that nobody else is at, and that has not just failed. Its row stays locked for a page, so that of several instances one works on it. */
const JOB_SQL = `SELECT rebuild_id, model, period_to::text, position_at::text, position_id FROM rebuild WHERE status = 'running' AND rebuild_id <> ALL($1) ORDER BY requested_at LIMIT 1 FOR UPDATE SKIP LOCKED`;

const NEXT_SQL = `SELECT p.prediction_id, p.occurred_at::text AS position_at, p.erased_at IS NOT NULL AS is_erased FROM prediction p
  WHERE p.model = $1 AND (p.occurred_at, p.prediction_id) > ($2::timestamptz, $3::uuid) AND p.occurred_at >= $2::timestamptz AND p.occurred_at < $4 AND p.state <> 'rejected'
  ORDER BY p.occurred_at, p.prediction_id LIMIT ${PAGE_ROWS}`;

const ADVANCE_SQL = `UPDATE rebuild SET seen = seen + $2, unchanged = unchanged + $3, corrected = corrected + $4, unjudged = unjudged + $5, position_at = $6, position_id = $7,
  status = CASE WHEN $8 THEN 'finished' ELSE status END, ended_at = CASE WHEN $8 THEN now() END WHERE rebuild_id = $1`;

/**
 * Tells the joins of a period again, page by page: what is told and how far it came are one transaction, so that whoever goes on after a crash neither
 * leaves anything out nor tells it twice. Unchanged ones have the ids of their first telling: who has seen them sees nothing new.
 */
@Injectable()
export class Rebuilder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private rounds: Rounds | undefined;
  /** Rebuilds of which a page failed, and until when others have their turn. */
  private readonly restUntilMs = new Map<string, number>();

  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = new Rounds(ROUND_MS, (stopping) => this.round(stopping), (error) => this.logger.warn({ err: error }, 'telling joins again was interrupted'));
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.rounds?.stop();
  }

  private async round(stopping: AbortSignal): Promise<void> {
    while (!stopping.aborted) {
      const page = await this.tryPage();
      if (page === undefined) return;
      if (page === 'failed') continue;
      retold.add(page.unchanged, { result: 'unchanged' });
      retold.add(page.corrected, { result: 'corrected' });
    }
  }

  private async tryPage(): Promise<Page | 'failed' | undefined> {
    const nowMs = Date.now();
    for (const [id, untilMs] of this.restUntilMs) if (untilMs <= nowMs) this.restUntilMs.delete(id);
    let rebuildId: string | undefined;
    try {
      return await inTransaction(this.dataSource, (manager) => this.page(manager, (id) => (rebuildId = id)));
    } catch (error) {
      if (rebuildId === undefined) throw error;
      this.logger.warn({ err: error, rebuildId, againInMs: REST_MS }, 'telling joins again was interrupted; the rebuild goes on where it was');
      this.restUntilMs.set(rebuildId, nowMs + REST_MS);
      return 'failed';
    }
  }

  /** `undefined` when there is nothing to do, or the outbox is full. */
  private async page(manager: EntityManager, onJob: (rebuildId: string) => void): Promise<Page | undefined> {
    const [job]: Job[] = await manager.query(JOB_SQL, [[...this.restUntilMs.keys()]]);
    if (job === undefined) return undefined;
    onJob(job.rebuild_id);
    const full: unknown[] = await manager.query(`SELECT 1 FROM outbox OFFSET ${MAX_OUTBOX_MESSAGES - PAGE_ROWS} LIMIT 1`);
    if (full.length > 0) return undefined;
    const next: Next[] = await manager.query(NEXT_SQL, [job.model, job.position_at, job.position_id, job.period_to]);
    const page = await this.tell(manager, next);
    const last = next.at(-1);
    const { seen, unchanged, corrected, unjudged } = page;
    await manager.query(ADVANCE_SQL, [job.rebuild_id, seen, unchanged, corrected, unjudged, last?.position_at ?? job.position_at, last?.prediction_id ?? job.position_id, next.length < PAGE_ROWS]);
    return page;
  }

  private async tell(manager: EntityManager, next: readonly Next[]): Promise<Page> {
    const keys = await lockKeys(manager, next.map(({ prediction_id }) => prediction_id));
    const told = await loadToldJoins(manager, [...keys.values()]);
    const facts = await loadFacts(manager, [...keys.values()].filter(({ predictionId }) => told.has(predictionId)));
    const outcomes = await loadBestOutcomes(manager, [...facts.keys()]);
    const retellings: { readonly retelling: Retelling; readonly before: ToldJoin }[] = [];
    for (const { prediction_id: id, is_erased } of next) {
      const [stored, before] = [facts.get(id), told.get(id)];
      if (stored === undefined || before === undefined) continue;
      const retelling = retell(stored.facts, await this.servedVersions.readingOf(manager, stored.servedVersionId), outcomes.get(id) ?? [], before, is_erased);
      if (retelling !== undefined) retellings.push({ retelling, before });
    }
    await this.publish(manager, retellings.map(({ retelling }) => retelling));
    const changed = retellings.filter(({ retelling }) => retelling.isChanged);
    await writeJoined(manager, changed.map(({ retelling }) => retelling.join), (join) => changed.find(({ retelling }) => retelling.join === join)?.retelling.toldAs);
    await addToTally(manager, changed.map(({ retelling: { join }, before }) => spendingOfJoin(join.facts, before, join)));
    return { seen: next.length, unchanged: retellings.length - changed.length, corrected: changed.length, unjudged: facts.size - retellings.length };
  }

  private async publish(manager: EntityManager, retellings: readonly Retelling[]): Promise<void> {
    const shadows = await loadShadows(manager, retellings.map(({ join }) => join.facts), this.servedVersions);
    await Outbox.enqueue(manager, retellings.map(({ join, eventId }) => joinedMessage(join, eventId, shadows.get(join.facts.predictionId))));
  }
}
