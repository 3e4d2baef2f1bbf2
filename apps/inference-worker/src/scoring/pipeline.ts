import { predictionId } from '@throughline/contracts';
import type { Answer, Answered, PickUp, Scored } from '../domain/answer.js';
import { resolve } from '../domain/assignment.js';
import { isRejection, reject } from '../domain/rejection.js';
import { isPastDeadline, type Candidate } from '../domain/scoring-request.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import type { Clock } from './clock.js';
import { fetchFeatures } from './feature-stage.js';
import { rowOf, type LiveRow, type Row, type RowGroup } from './rows.js';
import { runRows } from './run-batch.js';
import { answerTraceparent } from './tracing.js';

export interface PipelineOptions {
  readonly fleet: Pick<ModelFleet, 'assignment'>;
  readonly cache: FeatureCache;
  readonly clock: Clock;
  readonly random: () => number;
  /** Share of requests without a trace context that get a sampled one. */
  readonly traceSampleRatio: number;
}

interface Stages {
  readonly pickUp: PickUp;
  readonly queueMs: number;
  readonly featuresMs: number;
  readonly totalMs: number;
  readonly answeredAtMs: number;
}

/** Answers requests of any lane, each with exactly one of scored and rejected, in their order. */
export class ScoringPipeline {
  constructor(private readonly options: PipelineOptions) {}

  pickUp(): PickUp {
    const { clock } = this.options;
    return { nowMs: clock.nowMs(), steadyMs: clock.steadyMs() };
  }

  async score(candidates: readonly Candidate[], pickUp: PickUp): Promise<Answer[]> {
    const { clock, cache } = this.options;
    const startMs = clock.steadyMs();
    const groups = new Map<LoadedModel, RowGroup[]>();
    const rows = candidates.map((candidate) => this.admit(candidate, pickUp, groups));
    const all = [...groups.values()].flat();
    for (const { served } of all) served.acquire();
    try {
      await fetchFeatures(cache, all);
      const featuresDoneMs = clock.steadyMs();
      await Promise.all(Array.from(groups, ([model, ofModel]) => runRows(model, ofModel.flatMap((group) => group.rows.filter((row) => row.assembled !== undefined)))));
      const stages: Stages = { pickUp, queueMs: rounded(startMs - pickUp.steadyMs), featuresMs: rounded(featuresDoneMs - startMs), totalMs: clock.steadyMs() - pickUp.steadyMs, answeredAtMs: clock.nowMs() };
      return rows.map((row) => this.answer(row, stages));
    } finally {
      for (const { served } of all) served.release();
    }
  }

  /** Puts a candidate into the group of the version that will answer it, or rejects it. */
  private admit(candidate: Candidate, pickUp: PickUp, groups: Map<LoadedModel, RowGroup[]>): Row {
    const row = rowOf(candidate);
    if (candidate.rejection !== undefined) return row;
    const { request } = candidate;
    if (isPastDeadline(request, pickUp.nowMs)) {
      row.rejection = reject('deadline_exceeded', `picked up ${pickUp.nowMs - request.requestedAtMs} ms after the request, ${request.deadlineMs} were allowed`);
      return row;
    }
    const resolution = resolve(this.options.fleet.assignment(request.model), request.model, request.version, request.routingKey ?? request.id);
    if (isRejection(resolution)) {
      row.rejection = resolution;
      return row;
    }
    const ofModel = groups.get(resolution.served) ?? [];
    let group = ofModel.find(({ role, revision }) => role === resolution.role && revision === resolution.revision);
    if (group === undefined) {
      group = { ...resolution, rows: [] };
      groups.set(resolution.served, [...ofModel, group]);
    }
    row.group = group;
    group.rows.push(row as LiveRow);
    return row;
  }

  private answer(row: Row, stages: Stages): Answer {
    const { request } = row;
    const { traceSampleRatio, random } = this.options;
    const answered = {
      request,
      predictionId: predictionId(request.source, request.id, request.row),
      traceparent: answerTraceparent(request.traceparent, traceSampleRatio, random),
      pickUp: stages.pickUp,
      answeredAtMs: stages.answeredAtMs,
    };
    if (row.rejection !== undefined) return { state: 'rejected', ...answered, rejection: row.rejection };
    return { state: 'scored', ...answered, ...scored(row as LiveRow, stages) };
  }
}

function scored({ request, group, found, assembled, ageSeconds, batch, batchRow }: LiveRow, stages: Stages): Omit<Scored, 'state' | Exclude<keyof Answered, 'request'>> {
  const { served, role, revision, addressed } = group!;
  const { outputs, size, inferenceMs } = batch!;
  const transport = Math.max(0, stages.pickUp.nowMs - request.requestedAtMs);
  const timingsMs = { transport, queue: stages.queueMs, features: stages.featuresMs, inference: rounded(inferenceMs), total: rounded(transport + stages.totalMs) };
  return { request, served, role, revision, addressed, found, row: assembled!, ageSeconds, outputs, outputRow: batchRow, batchSize: size, timingsMs };
}

/** To whole microseconds: more digits would only make events longer. */
export const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;
