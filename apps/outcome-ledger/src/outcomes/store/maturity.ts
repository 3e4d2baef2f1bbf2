import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, query } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import type { Join } from '../../domain/joining.js';
import { loadFacts, loadJoined, type Place } from '../../store/facts.js';
import { lockKeys } from '../../store/keys.js';
import { loadBestOutcomes } from '../../store/outcome-rows.js';
import { recordset, rowsParameter, timestamp } from '../../store/rows.js';
import { ServedVersions } from '../../store/served-versions.js';
import { settle, type Meeting } from '../../store/settle.js';
import { addToTally } from '../../store/tally.js';
import { matureAtMs } from '../domain/assumption.js';
import { negativeAfterSeconds } from '../domain/declaration.js';
import { eventNowMs } from '../domain/event-clock.js';
import { Declarations } from './declarations.js';
import { stopIntakeBriefly } from './late.js';

/** Predictions looked at in one transaction. */
const PAGE_ROWS = 1_000;
/** Pages of a model in one round, so that the next model has its turn. */
const MAX_PAGES = 50;
/** Joins that wait to be told; with more the sweep waits too, so that those of real outcomes do not wait behind a month of assumed ones. */
const MAX_UNTOLD = 10_000;

const NEWEST_SQL = `SELECT occurred_at, requested_at FROM prediction WHERE model = $1 AND state <> 'rejected' ORDER BY occurred_at DESC LIMIT 1`;

const NEXT_SQL = `SELECT p.prediction_id, p.day::text, p.occurred_at::text AS position FROM prediction p
  WHERE p.model = $1 AND (p.occurred_at, p.prediction_id) > ($2::timestamptz, $3::uuid) AND p.occurred_at <= $4
  ORDER BY p.occurred_at, p.prediction_id LIMIT ${PAGE_ROWS}`;

const LATE_SQL = `SELECT prediction_id, day::text, occurred_at::text AS position FROM late_maturity WHERE model = $1 AND occurred_at <= $2 ORDER BY occurred_at LIMIT ${PAGE_ROWS}`;

const LATE_COLUMNS = { prediction_id: 'uuid', position: 'timestamptz' } as const;
const DONE_SQL = `DELETE FROM late_maturity l USING ${recordset(2, LATE_COLUMNS)} WHERE l.model = $1 AND l.occurred_at = r.position AND l.prediction_id = r.prediction_id`;

const ANNOUNCE_SQL = `WITH free AS (SELECT model FROM outcome_maturity ORDER BY model FOR UPDATE SKIP LOCKED)
  UPDATE outcome_maturity m SET announced_at = r.announced_at FROM ${recordset(1, { model: 'text', announced_at: 'timestamptz' })} JOIN free USING (model)
  WHERE m.model = r.model AND m.announced_at < r.announced_at`;

interface Due {
  readonly model: string;
  /** Event time up to which predictions are mature. */
  readonly untilMs: number;
}

interface Page {
  readonly joins: readonly Join[];
  readonly isLast: boolean;
}

/**
 * Finds predictions that are mature and have no outcome, where their model declares that this means “no”, and joins them with that. Of every model it
 * goes once through all predictions in the order of their event time and remembers how far it came; what comes later than that is noted apart
 * (store/late.ts). Several instances may do it at a time.
 */
@Injectable()
export class Maturity {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Declarations) private readonly declarations: Declarations,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
  ) {}

  /**
   * One round. Bounded; what is left is for the next. A model that fails does not keep the others from their turn.
   *
   * @param onJoined told what it joined, page by page
   * @param goesOn asked between pages
   * @throws what the first model that failed has failed with, after all others had their turn
   */
  async sweep(nowMs: number, onJoined: (joins: readonly Join[]) => void, goesOn: () => boolean): Promise<void> {
    const models = [...this.declarations.all()].filter(([, { declaration }]) => declaration.whenMissing === 'negative' && declaration.maturitySeconds !== undefined).map(([model]) => model);
    await this.forgetAllBut(models);
    if (models.length === 0) return;
    const due = (await Promise.all(models.map((model) => this.dueOf(model, nowMs)))).filter((one) => one !== undefined);
    await this.announce(due);
    const failures: unknown[] = [];
    for (const one of due) {
      try {
        await this.pages(onJoined, goesOn, (manager) => this.nextPage(manager, one));
        await this.pages(onJoined, goesOn, (manager) => this.latePage(manager, one));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  private async dueOf(model: string, nowMs: number): Promise<Due | undefined> {
    const maturitySeconds = this.declarations.of(model)?.declaration.maturitySeconds;
    const [newest] = await query<{ occurred_at: Date; requested_at: Date }>(this.dataSource, NEWEST_SQL, [model]);
    if (newest === undefined || maturitySeconds === undefined) return undefined;
    const eventNow = eventNowMs({ occurredAtMs: newest.occurred_at.getTime(), requestedAtMs: newest.requested_at.getTime() }, nowMs);
    return { model, untilMs: Math.floor(eventNow - maturitySeconds * 1000) };
  }

  /** From then on whoever writes an older prediction down notes it; so none is missed between two rounds. */
  private async announce(due: readonly Due[]): Promise<void> {
    if (due.length === 0) return;
    await query(this.dataSource, `INSERT INTO outcome_maturity (model) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING`, [due.map(({ model }) => model)]);
    await inTransaction(this.dataSource, async (manager) => {
      await stopIntakeBriefly(manager);
      await manager.query(ANNOUNCE_SQL, [rowsParameter(due.map(({ model, untilMs }) => ({ model, announced_at: timestamp(untilMs) })))]);
    });
  }

  /** A model that no longer declares it, and perhaps will again, is then gone through from the beginning. */
  private async forgetAllBut(models: readonly string[]): Promise<void> {
    const gone = await query<{ model: string }>(this.dataSource, `SELECT model FROM outcome_maturity WHERE model <> ALL($1)`, [models]);
    if (gone.length === 0) return;
    await inTransaction(this.dataSource, async (manager) => {
      await stopIntakeBriefly(manager);
      const names = gone.map(({ model }) => model);
      await manager.query(`DELETE FROM outcome_maturity WHERE model = ANY($1)`, [names]);
      await manager.query(`DELETE FROM late_maturity WHERE model = ANY($1)`, [names]);
    });
  }

  private async pages(onJoined: (joins: readonly Join[]) => void, goesOn: () => boolean, page: (manager: EntityManager) => Promise<Page>): Promise<void> {
    for (let count = 0; count < MAX_PAGES && goesOn(); count++) {
      if (await this.isBehind()) return;
      const one = await inTransaction(this.dataSource, page);
      onJoined(one.joins);
      if (one.isLast) return;
    }
  }

  private async isBehind(): Promise<boolean> {
    return (await query(this.dataSource, `SELECT 1 FROM outbox OFFSET ${MAX_UNTOLD} LIMIT 1`)).length > 0;
  }

  private async nextPage(manager: EntityManager, { model, untilMs }: Due): Promise<Page> {
    const [at]: { done_at: string; done_id: string; announced_at: Date | number }[] = await manager.query(
      `SELECT done_at::text, done_id, announced_at FROM outcome_maturity WHERE model = $1 FOR UPDATE SKIP LOCKED`, [model]);
    // Another instance is at it; or nothing was announced yet, which pg reads as minus infinity.
    if (at === undefined || typeof at.announced_at === 'number') return { joins: [], isLast: true };
    const limit = timestamp(Math.min(untilMs, at.announced_at.getTime()));
    const rows: { prediction_id: string; day: string; position: string }[] = await manager.query(NEXT_SQL, [model, at.done_at, at.done_id, limit]);
    const last = rows.at(-1);
    if (last === undefined) return { joins: [], isLast: true };
    const joins = await this.assume(manager, rows.map(({ prediction_id: predictionId, day }) => ({ predictionId, day })));
    await manager.query(`UPDATE outcome_maturity SET done_at = $2, done_id = $3 WHERE model = $1`, [model, last.position, last.prediction_id]);
    return { joins, isLast: rows.length < PAGE_ROWS };
  }

  private async latePage(manager: EntityManager, { model, untilMs }: Due): Promise<Page> {
    if ((await manager.query<object[]>(`SELECT FROM outcome_maturity WHERE model = $1 FOR UPDATE SKIP LOCKED`, [model])).length === 0) return { joins: [], isLast: true };
    const rows: { prediction_id: string; day: string; position: string }[] = await manager.query(LATE_SQL, [model, timestamp(untilMs)]);
    const joins = await this.assume(manager, rows.map(({ prediction_id: predictionId, day }) => ({ predictionId, day })));
    // Keys before notes, as whoever writes predictions down locks them.
    await manager.query(DONE_SQL, [model, rowsParameter(rows)]);
    return { joins, isLast: rows.length < PAGE_ROWS };
  }

  /** Joins those of these mature predictions that have no outcome with the one that is assumed. */
  private async assume(manager: EntityManager, places: readonly Place[]): Promise<readonly Join[]> {
    const joined = await loadJoined(manager, places);
    const open = places.filter(({ predictionId }) => !joined.has(predictionId)).map(({ predictionId }) => predictionId);
    const keys = await lockKeys(manager, open);
    const facts = await loadFacts(manager, [...keys.values()]);
    // Once more under the lock: an outcome may have come in between.
    const told = await loadJoined(manager, [...keys.values()]);
    const outcomes = await loadBestOutcomes(manager, [...facts.keys()]);
    const meetings: Meeting[] = [];
    for (const [predictionId, { facts: one, servedVersionId }] of facts) {
      const reading = await this.servedVersions.readingOf(manager, servedVersionId);
      const seconds = negativeAfterSeconds(reading);
      const mature = seconds === undefined ? undefined : matureAtMs(one, seconds);
      meetings.push({ facts: one, reading, outcomes: outcomes.get(predictionId) ?? [], told: told.get(predictionId), matureAtMs: mature, toldRevision: keys.get(predictionId)?.toldRevision });
    }
    const { joins, counts } = await settle(manager, meetings, this.servedVersions);
    await addToTally(manager, counts);
    return joins;
  }
}
