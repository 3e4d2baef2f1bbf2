import { Inject, Injectable } from '@nestjs/common';
import { copyRows, inTransaction, isUniqueViolation } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import { admit, firstOfHighestAttempt, type Admission, type PredictionKey } from '../domain/admission.js';
import { factsOf, type Join, type JoinedRef } from '../domain/joining.js';
import type { PredictionRecord } from '../domain/prediction.js';
import { spendingOfAnswer, spendingOfDisplaced, spendingOfJoin } from '../costs/domain/spending.js';
import { PRICES } from '../costs/prices.js';
import type { Prices } from '../costs/domain/cost.js';
import { bookedPrediction, enterInBooks, type BookedRow } from '../books/entries.js';
import { countOf, type BookEntry, type Count } from '../domain/tally.js';
import { EntityRoles } from '../erasure/entity-roles.js';
import { Tombstones, type Watch } from '../erasure/tombstones.js';
import { loadFacts, loadJoined } from './facts.js';
import { holdKeys, keepToldRevisions, removeKeys, updateKeys } from './keys.js';
import { announcedAtMs, noteLate } from '../outcomes/store/late.js';
import { loadBestOutcomes, loadWaitingOutcomes } from './outcome-rows.js';
import { Partitions } from './partitions.js';
import { PREDICTION_COLUMN_NAMES, PREDICTION_COLUMNS, rowOf } from './prediction-rows.js';
import { insertRows, recordset, rowsParameter } from './rows.js';
import { ServedVersions } from './served-versions.js';
import { settle, tellAnew, type Meeting } from './settle.js';
import { addToTally } from './tally.js';

export interface RecordReport {
  readonly recorded: readonly PredictionRecord[];
  readonly duplicates: number;
  /** Joins with outcomes that had come first. */
  readonly joins: readonly Join[];
}

/** Writes terminal events down: one transaction a batch, each prediction once, however often and in whatever order it is told. */
@Injectable()
export class PredictionStore {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(Partitions) private readonly partitions: Partitions,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
    @Inject(PRICES) private readonly prices: Prices,
    @Inject(Tombstones) private readonly tombstones: Tombstones,
    @Inject(EntityRoles) private readonly roles: EntityRoles,
  ) {}

  async record(records: readonly PredictionRecord[]): Promise<RecordReport> {
    try {
      return await this.recordBy(copyRows, records);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // A row without its key: somebody deleted the one by hand. Then only the new ones are inserted, at twice the cost.
      return this.recordBy(insertNewRows, records);
    }
  }

  private async recordBy(write: WriteRows, records: readonly PredictionRecord[]): Promise<RecordReport> {
    const candidates = firstOfHighestAttempt(records);
    await this.partitions.ensure(candidates.map(({ day }) => day));
    await this.roles.ensure(candidates);
    const versionIds = await this.versionIds(candidates);
    return inTransaction(this.dataSource, async (manager) => {
      const watch = await this.tombstones.watch(manager);
      const announced = await announcedAtMs(manager, [...new Set(candidates.map(({ model }) => model))]);
      const admissions = await admitAll(manager, erase(watch, candidates, versionIds));
      const displaced = await removeDisplaced(manager, admissions);
      const rows = admissions.map(({ record }) => rowOf(record, versionIds.get(record)));
      await write(manager, 'prediction', PREDICTION_COLUMN_NAMES, rows);
      await noteLate(manager, admissions.map(({ record }) => record), announced);
      const met = await this.meetOutcomes(manager, admissions, displaced.told, versionIds);
      await watch.cleanse(manager, admissions.flatMap(({ record }) => (record.erasedAtMs === undefined ? [] : [record.predictionId])));
      const handled = records.flatMap(({ answerCoordinates, requestCoordinates }) => [answerCoordinates, requestCoordinates]);
      await enterInBooks(manager, { handled, added: admissions.map(({ record }) => bookedPrediction(record)), removed: displaced.booked });
      await addToTally(manager, [...displaced.counts, ...admissions.map(({ record }) => countOf(record.state, 1, named(record))), ...met.counts, ...this.spending(admissions.map(({ record }) => record))]);
      return { recorded: admissions.map(({ record }) => record), duplicates: records.length - admissions.length, joins: met.joins };
    });
  }

  /**
   * Shadows' answers, apart from predictions: they end nothing. An outcome that is joined later takes them along; one that was joined already is
   * told anew with them.
   */
  async recordShadows(records: readonly PredictionRecord[]): Promise<number> {
    await this.partitions.ensure(records.map(({ day }) => day));
    await this.roles.ensure(records);
    const versionIds = await this.versionIds(records);
    return inTransaction(this.dataSource, async (manager) => {
      const watch = await this.tombstones.watch(manager);
      const ids = [...new Set(records.map(({ predictionId }) => predictionId))];
      // Keys that are not there yet are held as well: a join that is under way has either seen these shadows, or is seen here.
      const { fresh, locked } = await holdKeys(manager, ids.map((predictionId) => ({ predictionId, state: 'awaited', day: undefined, attempt: 0 })));
      const rows = erase(watch, records, versionIds).map((record) => rowOf(record, versionIds.get(record)));
      const conflict = 'ON CONFLICT DO NOTHING RETURNING prediction_id, model, version';
      const inserted = await insertRows<{ prediction_id: string; model: string; version: string }>(manager, 'prediction_shadow', PREDICTION_COLUMNS, rows, conflict, 'ORDER BY prediction_id, day, version');
      await this.tellAnew(manager, [...new Set(inserted.flatMap((row) => locked.get(row.prediction_id) ?? []))]);
      await removeKeys(manager, [...fresh]);
      const fresher = new Set(inserted.map((row) => `${row.prediction_id}/${row.version}`));
      const spending = this.spending(records.filter(({ predictionId, version }) => fresher.delete(`${predictionId}/${version}`)));
      await addToTally(manager, [...inserted.map(({ model, version }) => countOf('shadowed', 1, { model, version, role: 'shadow' })), ...spending]);
      return inserted.length;
    });
  }

  private spending(records: readonly PredictionRecord[]): BookEntry[] {
    return records.flatMap((record) => spendingOfAnswer(record, this.prices) ?? []);
  }

  private async tellAnew(manager: EntityManager, keys: readonly PredictionKey[]): Promise<void> {
    const told = await loadJoined(manager, keys.filter(({ day }) => day !== undefined));
    const facts = await loadFacts(manager, keys.filter(({ predictionId }) => told.has(predictionId)));
    const outcomes = await loadBestOutcomes(manager, [...facts.keys()]);
    const meetings: Meeting[] = [];
    for (const [predictionId, { facts: one, servedVersionId }] of facts) {
      const reading = await this.servedVersions.readingOf(manager, servedVersionId);
      meetings.push({ facts: one, reading, outcomes: outcomes.get(predictionId) ?? [], told: told.get(predictionId) });
    }
    await tellAnew(manager, meetings, this.servedVersions);
  }

  private async versionIds(records: readonly PredictionRecord[]): Promise<Map<PredictionRecord, number>> {
    const ids = new Map<PredictionRecord, number>();
    for (const record of records) {
      const { answer, model, version } = record;
      if (answer === undefined || version === undefined) continue;
      ids.set(record, (await this.servedVersions.entryOf({ model, version, artifactSha256: answer.artifactSha256 })).id);
    }
    return ids;
  }

  private async meetOutcomes(manager: EntityManager, admissions: readonly Admission[], told: ReadonlyMap<string, JoinedRef>, versionIds: ReadonlyMap<PredictionRecord, number>) {
    const expected = admissions.filter(({ awaited, replaces }) => awaited || replaces !== undefined);
    const waiting = await loadWaitingOutcomes(manager, expected.map(({ record }) => record.predictionId));
    const meetings = await Promise.all(expected.map(async ({ record, awaited, replaces }) => {
      const facts = factsOf(record);
      if (facts === undefined) return [];
      const reading = await this.servedVersions.readingOf(manager, versionIds.get(record) as number);
      return [{ facts, reading, outcomes: waiting.get(record.predictionId)?.outcomes ?? [], told: told.get(record.predictionId), toldRevision: replaces?.toldRevision, isFirst: awaited || replaces?.state === 'rejected' }];
    }));
    const { joins, counts } = await settle(manager, meetings.flat(), this.servedVersions);
    return { joins, counts: [...counts, ...expected.flatMap((admission) => movedOutcomes(admission, waiting.get(admission.record.predictionId)?.count ?? 0))] };
  }
}

type WriteRows = (manager: EntityManager, table: string, columns: typeof PREDICTION_COLUMN_NAMES, rows: readonly ReturnType<typeof rowOf>[]) => Promise<void>;

const insertNewRows: WriteRows = async (manager, table, _columns, rows) => void (await insertRows(manager, table, PREDICTION_COLUMNS, rows, 'ON CONFLICT DO NOTHING'));

const named = ({ model, version, answer, rejection }: PredictionRecord) => ({ model, version, role: (answer ?? rejection)?.role });

/** Outcomes are counted by what their prediction is known to be: unseen, rejected, or answered. */
function movedOutcomes({ record, replaces, awaited }: Admission, outcomes: number): Count[] {
  const left = awaited ? [countOf('unmatched', -outcomes)] : replaces?.state === 'rejected' ? [countOf('outcomes_of_rejected', -outcomes)] : [];
  return record.state === 'rejected' ? [...left, countOf('outcomes_of_rejected', outcomes)] : left;
}

/** What is about entities that are to be forgotten, without its values; it stays what its version says. */
function erase(watch: Watch, records: readonly PredictionRecord[], versionIds: Map<PredictionRecord, number>): readonly PredictionRecord[] {
  const kept = watch.erase(records, Date.now());
  kept.forEach((record, index) => {
    const id = versionIds.get(records[index] as PredictionRecord);
    if (id !== undefined) versionIds.set(record, id);
  });
  return kept;
}

async function admitAll(manager: EntityManager, candidates: readonly PredictionRecord[]): Promise<Admission[]> {
  const { fresh, locked } = await holdKeys(manager, candidates);
  const admissions = candidates.flatMap((record) => admit(record, locked.get(record.predictionId)) ?? []);
  await updateKeys(manager, admissions.filter(({ record }) => !fresh.has(record.predictionId)));
  return admissions;
}

/** Takes away what a higher attempt displaces: the row, and its join, which is told anew as a correction. */
async function removeDisplaced(manager: EntityManager, admissions: readonly Admission[]): Promise<{ told: Map<string, JoinedRef>; counts: BookEntry[]; booked: BookedRow[] }> {
  const displaced = admissions.flatMap(({ replaces }) => (replaces === undefined ? [] : [replaces]));
  if (displaced.length === 0) return { told: new Map(), counts: [], booked: [] };
  const told = await loadJoined(manager, displaced);
  await keepToldRevisions(manager, told);
  const parameter = rowsParameter(displaced.map(({ predictionId, day }: PredictionKey) => ({ prediction_id: predictionId, day })));
  const remove = async (table: string, returning: string): Promise<DisplacedRow[]> => {
    const places = recordset(1, { prediction_id: 'uuid', day: 'date' });
    const [rows] = await manager.query(`DELETE FROM ${table} t USING ${places} WHERE t.prediction_id = r.prediction_id AND t.day = r.day RETURNING ${returning}`, [parameter]);
    return rows;
  };
  const joined = await remove('prediction_joined', `t.day::text, t.model, t.version, t.role, t.team, t.value_micro_usd, t.is_assumed, 'joined' AS state`);
  const rows = await remove('prediction', 't.day::text, t.model, t.version, t.role, t.team, NULL AS value_micro_usd, t.state, t.request_coordinates, t.requested_at');
  const booked = rows.map(({ request_coordinates: coordinates, requested_at: at }) => ({ coordinates, atMs: (at as Date).getTime() }));
  const spent = [...joined, ...rows].flatMap(spendingOfDisplacedRow);
  const assumed = joined.filter(({ is_assumed: isAssumed }) => isAssumed === true).map(({ model, version, role }) => countOf('assumed', -1, { model, version: version ?? undefined, role: role ?? undefined }));
  return { told, booked, counts: [...spent, ...assumed, ...[...joined, ...rows].map(({ state, model, version, role }) => countOf(state, -1, { model, version: version ?? undefined, role: role ?? undefined }))] };
}

function spendingOfDisplacedRow({ day, model, version, role, team, state, value_micro_usd: valueMicroUsd }: DisplacedRow): BookEntry[] {
  if (version === null || role === null || state === 'rejected') return [];
  const prediction = { day, model, version, role, team: team ?? undefined };
  return [state === 'joined' ? spendingOfJoin(prediction, { valueMicroUsd: valueMicroUsd ?? undefined }, undefined) : spendingOfDisplaced(prediction)];
}

interface DisplacedRow {
  readonly day: string;
  readonly team: string | null;
  readonly value_micro_usd: number | null;
  readonly is_assumed?: boolean;
  /** Only of predictions. */
  readonly request_coordinates?: string | null;
  readonly requested_at?: Date;
  readonly model: string;
  readonly version: string | null;
  readonly role: string | null;
  readonly state: 'joined' | PredictionRecord['state'];
}
