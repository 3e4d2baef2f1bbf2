import { predictionId, toContractError } from '@throughline/contracts';
import type { Answer, PickUp, Scored } from '../domain/answer.js';
import { askedOf, resolve, type Resolution } from '../domain/assignment.js';
import type { Band } from '../domain/model-queue.js';
import { isRejection, reject } from '../domain/rejection.js';
import { isPastDeadline, type Candidate } from '../domain/scoring-request.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import type { Clock } from './clock.js';
import { lookUpFeatures } from './feature-stage.js';
import { Passage } from './passage.js';
import { askedFor, rowOf, type LiveRow, type Row, type RowGroup } from './rows.js';
import type { Scheduler } from './scheduler.js';
import { answerTrace } from './tracing.js';

export interface PipelineOptions {
  readonly fleet: Pick<ModelFleet, 'assignment'>;
  readonly cache: FeatureCache;
  readonly scheduler: Scheduler;
  /** Whether a version may be asked now, or has failed too often. */
  readonly breakers: { allows(model: LoadedModel): boolean };
  /** Answers rejected rows by the fallbacks of their deployment, where it can. */
  readonly fallbacks: { rescue(rows: readonly Row[]): Promise<void> };
  readonly clock: Clock;
  readonly random: () => number;
  /** Share of requests without a trace context that get a sampled one. */
  readonly traceSampleRatio: number;
  /** Millionths of a dollar for an hour of one CPU; 0: costs are not estimated. */
  readonly cpuHourPriceMicroUsd: number;
}

/** Takes requests of any lane to their answers, each with exactly one of scored and rejected. */
export class ScoringPipeline {
  constructor(private readonly options: PipelineOptions) {}

  pickUp(): PickUp {
    const { clock } = this.options;
    return { nowMs: clock.nowMs(), steadyMs: clock.steadyMs() };
  }

  /** All answers, in the order of the candidates. */
  async score(candidates: readonly Candidate[], pickUp: PickUp, band: Band): Promise<Answer[]> {
    const rows = candidates.map((candidate) => rowOf(candidate, pickUp));
    await this.begin(rows, band, () => undefined);
    return this.answers(rows);
  }

  /**
   * Hands over rows as they are scored or rejected, which may be in any order.
   *
   * @returns when all have been handed over; rejects for what should not happen, and then hands over no more
   */
  begin(rows: readonly Row[], band: Band, deliver: (rows: readonly Row[]) => void): Promise<void> {
    if (rows.length === 0) return Promise.resolve();
    const passage = new Passage(rows, this.options.fallbacks, deliver);
    this.advance(rows, band, passage).catch((thrown: unknown) => passage.fail(thrown));
    return passage.ended;
  }

  /** What became of rows that have been handed over. */
  answers(rows: readonly Row[]): Answer[] {
    const { clock } = this.options;
    const now: PickUp = { nowMs: clock.nowMs(), steadyMs: clock.steadyMs() };
    return rows.map((row) => this.answer(row, now));
  }

  /** A group keeps its version in memory until all of its rows are done. */
  private async advance(rows: readonly Row[], band: Band, passage: Passage): Promise<void> {
    const { clock, cache } = this.options;
    const asked = this.admit(rows);
    passage.entrust(asked);
    const groups = asked.filter((group) => this.isAsked(group));
    const refused = rows.filter(({ rejection }) => rejection !== undefined);
    if (refused.length > 0) passage.rowsDone(refused);
    if (groups.length === 0) return;
    const startMs = clock.steadyMs();
    const away = groups.filter(({ served }) => served.residence() !== undefined);
    if (away.length > 0) await Promise.all(away.map(bringBack));
    const pending = lookUpFeatures(cache, groups);
    for (const { served, rows: ofGroup } of groups) this.hasFeatures(served, pending === undefined ? ofGroup : ofGroup.filter((row) => !pending.rows.has(row)), { band, passage, featuresMs: clock.steadyMs() - startMs });
    if (pending === undefined) return;
    await pending.complete();
    for (const { served, rows: ofGroup } of groups) this.hasFeatures(served, ofGroup.filter((row) => pending.rows.has(row)), { band, passage, featuresMs: clock.steadyMs() - startMs });
  }

  private hasFeatures(served: LoadedModel, rows: readonly LiveRow[], { band, passage, featuresMs }: { band: Band; passage: Passage; featuresMs: number }): void {
    for (const row of rows) row.featuresMs = featuresMs;
    const failed = rows.filter(({ rejection }) => rejection !== undefined);
    // Before a fallback takes a rejection back: what it answers must not run here as well.
    const ready = failed.length === 0 ? rows : rows.filter(({ rejection }) => rejection === undefined);
    if (failed.length > 0) passage.rowsDone(failed);
    this.options.scheduler.submit(served, ready, band);
  }

  /** Groups the rows by the version and the role that answer them; rejects those that nobody does. */
  private admit(rows: readonly Row[]): RowGroup[] {
    const groups: RowGroup[] = [];
    let last: RowGroup | undefined;
    for (const row of rows) {
      if (row.rejection !== undefined) continue;
      const resolution = this.resolve(row);
      if (resolution === undefined) continue;
      const { served, role, revision } = resolution;
      const isOf = (group: RowGroup): boolean => group.served === served && group.role === role && group.revision === revision;
      const group: RowGroup = last !== undefined && isOf(last) ? last : (groups.find(isOf) ?? this.open(resolution, groups));
      last = group;
      row.group = group;
      group.rows.push(row as LiveRow);
      group.open++;
    }
    return groups;
  }

  private isAsked({ served, rows }: RowGroup): boolean {
    if (this.options.breakers.allows(served)) return true;
    for (const row of rows) row.rejection = reject('circuit_open', `version ${served.version} of “${served.model}” has failed too often lately`);
    return false;
  }

  private resolve(row: Row): Resolution<LoadedModel> | undefined {
    const { request, pickUp } = row as LiveRow;
    if (isPastDeadline(request, pickUp.nowMs)) {
      row.rejection = reject('deadline_exceeded', `picked up ${pickUp.nowMs - request.requestedAtMs} ms after the request, ${request.deadlineMs} were allowed`);
      return undefined;
    }
    const assignment = this.options.fleet.assignment(request.model);
    const resolution = resolve(assignment, request.model, request.version, request.routingKey ?? request.id);
    if (!isRejection(resolution)) return resolution;
    row.rejection = resolution;
    if (assignment !== undefined) row.asked = askedOf(assignment, request.version);
    return undefined;
  }

  private open(resolution: Resolution<LoadedModel>, groups: RowGroup[]): RowGroup {
    const group: RowGroup = { ...resolution, rows: [], open: 0 };
    groups.push(group);
    return group;
  }

  private answer(row: Row, now: PickUp): Answer {
    const { request, pickUp } = row;
    const { traceSampleRatio, random } = this.options;
    const answered = {
      request, pickUp,
      predictionId: predictionId(request.source, request.id, request.row),
      ...answerTrace(request.traceparent, traceSampleRatio, random),
      answeredAtMs: now.nowMs,
    };
    if (row.rejection !== undefined) return { state: 'rejected', ...answered, rejection: row.rejection, asked: askedFor(row) };
    return this.scored(row as LiveRow, answered, now);
  }

  private scored(row: LiveRow, answered: Pick<Scored, 'predictionId' | 'traceparent' | 'parentSpanId' | 'pickUp' | 'answeredAtMs'>, now: PickUp): Scored {
    const { request, group, found, assembled, ageSeconds, batchRow, featuresMs, fallback, pickUp } = row;
    const { outputs, score, size, preprocessMs, inferenceMs, startedMs, endedMs } = row.batch!;
    const served = row.answeredBy ?? group.served;
    // Nobody was asked where no version was there to ask; the answer then stands for the champion's.
    const { role, revision, propensity, addressed } = (group as RowGroup | undefined) ?? { role: 'champion' as const, revision: row.asked?.revision ?? 0, propensity: undefined, addressed: served };
    const transport = Math.max(0, pickUp.nowMs - request.requestedAtMs);
    const timingsMs = {
      transport,
      queue: rounded(Math.max(0, startedMs - pickUp.steadyMs - featuresMs)),
      features: rounded(featuresMs),
      preprocess: rounded(preprocessMs),
      inference: rounded(inferenceMs),
      postprocess: rounded(now.steadyMs - endedMs),
      total: rounded(transport + now.steadyMs - pickUp.steadyMs),
    };
    const { predictionId: id, traceparent, parentSpanId, answeredAtMs } = answered;
    const costMicroUsd = computeCostMicroUsd((preprocessMs + inferenceMs) / size, this.options.cpuHourPriceMicroUsd);
    // Field by field: a spread here costs every prediction half a microsecond.
    return { state: 'scored', request, pickUp, predictionId: id, traceparent, parentSpanId, answeredAtMs, served, role, revision, propensity, addressed, found, row: assembled, ageSeconds, outputs, outputRow: batchRow, statedScore: score, batchSize: size, timingsMs, costMicroUsd, fallback };
  }
}

/** A version that had to leave memory is fetched again; where that fails its rows are rejected. */
async function bringBack({ served, rows }: RowGroup): Promise<void> {
  try {
    await served.residence();
  } catch (thrown) {
    const { code, message } = toContractError(thrown);
    for (const row of rows) row.rejection = reject(code, message);
  }
}

const HOUR_MS = 3_600_000;

/** A row's part of its run's time at the price of the one CPU that it had; six digits after the point, because one row costs nearly nothing. */
const computeCostMicroUsd = (cpuMs: number, cpuHourPriceMicroUsd: number): number | undefined =>
  cpuHourPriceMicroUsd === 0 ? undefined : Math.round(((cpuMs * cpuHourPriceMicroUsd) / HOUR_MS) * 1e6) / 1e6;

/** To whole microseconds: more digits would only make events longer. */
export const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
