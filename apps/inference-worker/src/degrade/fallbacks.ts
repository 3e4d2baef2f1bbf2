import type { Fallback } from '@throughline/contracts';
import { METRICS, observableGauge } from '@throughline/telemetry';
import type { Answer, ServedModel } from '../domain/answer.js';
import type { Assignment, FallbackStep } from '../domain/assignment.js';
import { fallbackPlan, isRescuable } from '../domain/fallback-plan.js';
import type { Clock } from '../scoring/clock.js';
import { askedFor, type LiveRow, type Row, type RowGroup, type ScoredBatch } from '../scoring/rows.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import { ConstantAnswers } from './constant-answers.js';
import { RememberedAnswers } from './remembered-answers.js';
import { standIns, type StandIn } from './stand-in.js';

export interface FallbackOptions {
  readonly fleet: Pick<ModelFleet, 'assignment'>;
  /** Completes rows and runs them on a version; each ends with its batch or a rejection. Never rejects. */
  readonly scoreOn: (model: LoadedModel, rows: readonly StandIn[]) => Promise<void>;
  /** How long a run of so many rows takes; 0 while that is not known. */
  readonly predictMs: (model: LoadedModel, rows: number) => number;
  readonly clock: Clock;
  /** Answers kept for `last_known_good`. */
  readonly maxRemembered: number;
  readonly maxRememberedBytes: number;
}

/** A rejected row and what is left to try. */
interface Attempt {
  readonly row: LiveRow;
  readonly assignment: Assignment<LoadedModel>;
  readonly steps: FallbackStep<LoadedModel>[];
}

type FallbackAnswer = Pick<ScoredBatch, 'outputs' | 'score'> & { readonly answeredBy: ServedModel };

/** Answers in place of versions that cannot, as their deployment says. */
export class Fallbacks {
  private readonly remembered: RememberedAnswers;
  private readonly constants = new ConstantAnswers();
  private readonly stopGauge: () => void;

  constructor(private readonly options: FallbackOptions) {
    this.remembered = new RememberedAnswers({ maxAnswers: options.maxRemembered, maxBytes: options.maxRememberedBytes });
    this.stopGauge = observableGauge(METRICS.rememberedAnswersBytes, () => this.remembered.sizeBytes);
  }

  onModuleDestroy(): void {
    this.stopGauge();
  }

  /** Answers what it can of the rejected rows by the fallbacks of their deployment, in their order; the others keep their rejection. */
  async rescue(rows: readonly Row[]): Promise<void> {
    // Who hands them over may be about to sort the others by their rejections.
    await Promise.resolve();
    let open = rows.flatMap((row) => this.attempt(row) ?? []);
    if (open.length === 0) return;
    // Now: a version may be replaced while one before it is tried.
    const versions = new Set(open.flatMap(({ steps }) => steps.flatMap(({ served }) => served ?? [])));
    for (const served of versions) served.acquire();
    try {
      while (open.length > 0) {
        const waiting = open.filter((attempt) => !this.answersAtOnce(attempt) && attempt.steps.length > 0);
        await Promise.all([...Map.groupBy(waiting, ({ steps }) => steps[0]!.served!)].map(([served, attempts]) => this.scoreOn(served, attempts)));
        open = waiting.filter(({ row }) => row.rejection !== undefined);
      }
    } finally {
      for (const served of versions) served.release();
    }
  }

  /** Keeps good answers where a deployment declares `last_known_good`; called with every acknowledged batch. Free for models that declare none. */
  remember(answers: readonly Answer[]): void {
    let model: string | undefined;
    let isWanted = false;
    for (const answer of answers) {
      if (answer.state === 'rejected') continue;
      const { routingKey } = answer.request;
      if (answer.served.model !== model) {
        model = answer.served.model;
        isWanted = this.options.fleet.assignment(model)?.fallbacks.some(({ fallback }) => fallback.kind === 'last_known_good') ?? false;
      }
      const isGood = answer.fallback === undefined && (answer.role === 'champion' || answer.role === 'challenger');
      if (isWanted && isGood && routingKey !== undefined) this.remembered.set(model, routingKey, answer);
    }
  }

  private attempt(row: Row): Attempt | undefined {
    const { rejection, isPredictedLate } = row;
    const { model, version, routingKey, tensors } = (row as LiveRow).request;
    const plight = { code: rejection!.code, isPredictedLate, isPinned: version !== undefined };
    if (model === undefined || !isRescuable(plight)) return undefined;
    const assignment = this.options.fleet.assignment(model);
    if (assignment === undefined || assignment.fallbacks.length === 0) return undefined;
    const { clock, predictMs } = this.options;
    const good = routingKey === undefined ? undefined : this.remembered.get(model, routingKey);
    const steps = fallbackPlan(assignment.fallbacks, {
      ...plight,
      asked: row.group?.served,
      hasUnreadableTensors: row.group === undefined && tensors !== undefined,
      rememberedAgeSeconds: good === undefined ? undefined : (clock.nowMs() - good.answeredAtMs) / 1000,
      isInTime: (served) => {
        const takesMs = predictMs(served, 1);
        return takesMs > 0 && clock.steadyMs() + takesMs < row.deadlineMs;
      },
    });
    return { row: row as LiveRow, assignment, steps };
  }

  /** Drops the steps that give nothing; false when a version must be asked, or nothing is left. */
  private answersAtOnce({ row, assignment, steps }: Attempt): boolean {
    for (let step = steps[0]; step !== undefined && step.served === undefined; step = steps[0]) {
      steps.shift();
      const answer = this.ready(row, step.fallback, assignment);
      if (answer === undefined) continue;
      const nowMs = this.options.clock.steadyMs();
      const { answeredBy, ...values } = answer;
      settle(row, step.fallback.kind, answeredBy, { batch: { ...values, size: 1, preprocessMs: 0, inferenceMs: 0, startedMs: nowMs, endedMs: nowMs }, batchRow: 0 });
      return true;
    }
    return false;
  }

  /** What needs no version to answer. */
  private ready(row: LiveRow, fallback: Fallback, assignment: Assignment<LoadedModel>): FallbackAnswer | undefined {
    const { model, routingKey } = row.request;
    if (fallback.kind === 'constant') return this.constants.of(fallback, (row.group as RowGroup | undefined)?.served ?? assignment.champion, assignment);
    const good = routingKey === undefined ? undefined : this.remembered.get(model, routingKey);
    return good === undefined ? undefined : { outputs: good.outputs, score: undefined, answeredBy: good.served };
  }

  private async scoreOn(served: LoadedModel, attempts: readonly Attempt[]): Promise<void> {
    const rows = attempts.map(({ row }) => row);
    const replacements = standIns(rows, served);
    await this.options.scoreOn(served, replacements);
    attempts.forEach(({ row, steps }, at) => {
      const { kind } = steps.shift()!.fallback;
      const standIn = replacements[at]!;
      row.featuresMs += standIn.featuresMs;
      if (standIn.rejection === undefined) settle(row, kind, served, standIn);
    });
  }
}

/** The row is scored: by a version that stands in, with the features that it used, or without any. */
function settle(row: LiveRow, kind: Fallback['kind'], answeredBy: ServedModel, { batch, batchRow, assembled, ageSeconds, found }: Pick<LiveRow, 'batch' | 'batchRow'> & Partial<LiveRow>): void {
  Object.assign(row, { fallback: { kind, reason: row.rejection!.code, insteadOf: askedFor(row)?.version }, rejection: undefined, answeredBy, batch, batchRow, assembled, ageSeconds, found });
}
