import { Inject, Injectable } from '@nestjs/common';
import { inTransaction, Outbox } from '@throughline/db';
import { DataSource, type EntityManager } from 'typeorm';
import type { PredictionKey } from '../domain/admission.js';
import { enterInBooks } from '../books/entries.js';
import { judgeOutcome, type Join } from '../domain/joining.js';
import type { NamedOutcome, OutcomeRecord } from '../domain/outcome.js';
import { countOf, type BookEntry } from '../domain/tally.js';
import { claimCorrelations, lockCorrelations, releaseOutcomes } from './correlations.js';
import { eraseCorrelations } from '../erasure/erase-rows.js';
import { Tombstones, type Watch } from '../erasure/tombstones.js';
import { loadFacts, loadJoined, type StoredFacts } from './facts.js';
import { holdKeys } from './keys.js';
import { appendOutcomes, distinctOutcomes, loadBestOutcomes, statementKey } from './outcome-rows.js';
import { ServedVersions } from './served-versions.js';
import { misfitMessage, settle } from './settle.js';
import { addToTally } from './tally.js';

export interface Misfit {
  readonly outcome: OutcomeRecord;
  readonly reason: string;
}

export interface OutcomeReport {
  /** Kept for the first time. */
  readonly appended: number;
  readonly duplicates: number;
  /** Of those appended: kept until their prediction shows up. */
  readonly waiting: number;
  /** Of those appended: about predictions that were dropped for their age. */
  readonly expired: number;
  readonly joins: readonly Join[];
  /** Not kept: the caller makes them dead letters. */
  readonly misfits: readonly Misfit[];
}

type Appended = OutcomeReport & { readonly counts: readonly BookEntry[] };

/** Writes outcomes down and joins them, one transaction a batch; idempotent on (prediction, source, sequence). */
@Injectable()
export class OutcomeStore {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ServedVersions) private readonly servedVersions: ServedVersions,
    @Inject(Tombstones) private readonly tombstones: Tombstones,
  ) {}

  async record(named: readonly NamedOutcome[], nowMs: number): Promise<OutcomeReport> {
    return inTransaction(this.dataSource, async (manager) => {
      const watch = await this.tombstones.watch(manager);
      const { known, justFound } = await lockCorrelations(manager, named.flatMap(({ correlation }) => correlation ?? []), truthAtMs(named), nowMs);
      const { resolved, unresolved } = bySubject(named, new Map([...known, ...justFound]));
      const kept = (await appendOutcomes(manager, distinctOutcomes(unresolved))).size;
      const released = await this.appendReleased(manager, justFound);
      const report = await this.append(manager, resolved);
      await forget(manager, watch, named, resolved);
      await enterInBooks(manager, { handled: named.map(({ outcome }) => outcome.coordinates) });
      await addToTally(manager, [...released.counts, ...report.counts, countOf('outcomes', kept), countOf('unmatched', kept), countOf('duplicate_outcomes', unresolved.length - kept)]);
      return {
        appended: report.appended + kept, waiting: report.waiting + kept, expired: report.expired, duplicates: report.duplicates + unresolved.length - kept,
        joins: [...released.joins, ...report.joins], misfits: report.misfits,
      };
    });
  }

  /** Looks once more for predictions of outcomes that named an entity and a window. Bounded; resolves with what it joined. */
  async lookAgain(nowMs: number): Promise<readonly Join[]> {
    return inTransaction(this.dataSource, async (manager) => {
      const watch = await this.tombstones.watch(manager);
      const justFound = await claimCorrelations(manager, nowMs);
      const { joins, counts } = await this.appendReleased(manager, justFound);
      // One that was found while it still had its entities may have been erased before its key was ours.
      await watch.cleanse(manager, [...new Set(justFound.values())]);
      await addToTally(manager, counts);
      return joins;
    });
  }

  /** Outcomes whose prediction was just found, as if they came now; their messages are long gone, so misfits go through the outbox. */
  private async appendReleased(manager: EntityManager, justFound: ReadonlyMap<string, string>): Promise<Pick<Appended, 'joins' | 'counts'>> {
    const released = await releaseOutcomes(manager, justFound);
    if (released.length === 0) return { joins: [], counts: [] };
    const { joins, counts, misfits } = await this.append(manager, released);
    await enterInBooks(manager, { deadLetters: misfits.map(({ outcome }) => outcome.coordinates) });
    await Outbox.enqueue(manager, misfits.map(({ outcome, reason }) => misfitMessage(outcome, reason)));
    return { joins, counts: [...counts, countOf('outcomes', -released.length), countOf('unmatched', -released.length)] };
  }

  private async append(manager: EntityManager, outcomes: readonly OutcomeRecord[]): Promise<Appended> {
    const keys = await this.lock(manager, [...new Set(outcomes.map(({ subjectId }) => subjectId))]);
    const facts = await loadFacts(manager, [...keys.values()]);
    const { fitting, misfits } = await this.judge(manager, outcomes, facts);
    const candidates = distinctOutcomes(fitting);
    const appended = await appendOutcomes(manager, candidates);
    const news = candidates.filter((outcome) => appended.has(statementKey(outcome)));
    const { joins, counts } = await this.meet(manager, new Set(news.map(({ subjectId }) => subjectId)), keys, facts);
    const stateOf = ({ subjectId }: OutcomeRecord) => keys.get(subjectId)?.state;
    const waiting = news.filter((outcome) => stateOf(outcome) === 'awaited').length;
    // Its row is gone, its key is not: it was dropped for its age.
    const expired = news.filter((outcome) => isAnswered(stateOf(outcome)) && !facts.has(outcome.subjectId)).length;
    const ofRejected = news.filter((outcome) => stateOf(outcome) === 'rejected').length;
    return {
      appended: news.length, duplicates: fitting.length - news.length, waiting, expired, joins, misfits,
      counts: [...counts, countOf('outcomes_expired', expired), countOf('outcomes', news.length), countOf('duplicate_outcomes', fitting.length - news.length), countOf('unmatched', waiting), countOf('outcomes_of_rejected', ofRejected)],
    };
  }

  private async lock(manager: EntityManager, ids: readonly string[]): Promise<Map<string, PredictionKey>> {
    const awaited = ids.map((predictionId): PredictionKey => ({ predictionId, state: 'awaited', day: undefined, attempt: 0 }));
    const { locked } = await holdKeys(manager, awaited);
    return new Map(awaited.map((key) => [key.predictionId, locked.get(key.predictionId) ?? key]));
  }

  private async judge(manager: EntityManager, outcomes: readonly OutcomeRecord[], facts: ReadonlyMap<string, StoredFacts>): Promise<{ fitting: OutcomeRecord[]; misfits: Misfit[] }> {
    const fitting: OutcomeRecord[] = [];
    const misfits: Misfit[] = [];
    for (const outcome of outcomes) {
      const stored = facts.get(outcome.subjectId);
      const reason = stored === undefined ? undefined : judgeOutcome(stored.facts, await this.servedVersions.readingOf(manager, stored.servedVersionId), outcome).misfit;
      if (reason === undefined) fitting.push(outcome);
      else misfits.push({ outcome, reason });
    }
    return { fitting, misfits };
  }

  private async meet(manager: EntityManager, ids: ReadonlySet<string>, keys: ReadonlyMap<string, PredictionKey>, facts: ReadonlyMap<string, StoredFacts>) {
    const answered = [...facts.values()].filter(({ facts: { predictionId } }) => ids.has(predictionId));
    const outcomes = await loadBestOutcomes(manager, answered.map(({ facts: { predictionId } }) => predictionId));
    const told = await loadJoined(manager, answered.map(({ facts: { predictionId } }) => keys.get(predictionId) as PredictionKey));
    const meetings = [];
    for (const { facts: one, servedVersionId } of answered) {
      const reading = await this.servedVersions.readingOf(manager, servedVersionId);
      meetings.push({ facts: one, reading, outcomes: outcomes.get(one.predictionId) ?? [], told: told.get(one.predictionId), toldRevision: keys.get(one.predictionId)?.toldRevision });
    }
    return settle(manager, meetings, this.servedVersions);
  }
}

/** Of outcomes about what was erased, and of correlations that name who is to be forgotten, no text stays; within the transaction that wrote it. */
async function forget(manager: EntityManager, watch: Watch, named: readonly NamedOutcome[], resolved: readonly OutcomeRecord[]): Promise<void> {
  if (!watch.isNeeded) return;
  await watch.cleanse(manager, [...new Set(resolved.map(({ subjectId }) => subjectId))]);
  await eraseCorrelations(manager, named.flatMap(({ correlation }) => (correlation !== undefined && watch.names(correlation) ? [correlation.correlationId] : [])));
}

const isAnswered = (state: PredictionKey['state'] | undefined): boolean => state === 'scored' || state === 'fallback';

function bySubject(named: readonly NamedOutcome[], found: ReadonlyMap<string, string>): { resolved: OutcomeRecord[]; unresolved: OutcomeRecord[] } {
  const resolved: OutcomeRecord[] = [];
  const unresolved: OutcomeRecord[] = [];
  for (const { outcome, correlation } of named) {
    const subjectId = correlation === undefined ? outcome.subjectId : found.get(correlation.correlationId);
    if (subjectId === undefined) unresolved.push(outcome);
    else resolved.push({ ...outcome, subjectId });
  }
  return { resolved, unresolved };
}

const truthAtMs = (named: readonly NamedOutcome[]): Map<string, number> =>
  new Map(named.flatMap(({ outcome, correlation }) => (correlation === undefined ? [] : [[correlation.correlationId, outcome.occurredAtMs] as const])));
