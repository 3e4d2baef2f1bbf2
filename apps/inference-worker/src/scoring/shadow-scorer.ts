import { setImmediate as otherWork } from 'node:timers/promises';
import type { BusProducer, OutgoingMessage } from '@throughline/bus';
import { toContractError } from '@throughline/contracts';
import { counter, METRICS, type Logger } from '@throughline/telemetry';
import type { Answer, AnswerGiven, Scored } from '../domain/answer.js';
import { encodeAnswer, scoreOf, topicOf } from '../domain/answer-events.js';
import { reject, type Rejection } from '../domain/rejection.js';
import type { Lookup, StoredValues } from '../domain/stored-features.js';
import type { FeatureCache } from '../features/feature-cache.js';
import type { LoadedModel } from '../serving/loaded-model.js';
import type { ModelFleet } from '../serving/model-fleet.js';
import { instantWriter, type Clock } from './clock.js';
import { fetchFeatures } from './feature-stage.js';
import { rounded } from './pipeline.js';
import { MAX_ANSWER_CHARACTERS } from './recorder.js';
import { rowOf, type LiveRow, type RowGroup } from './rows.js';
import type { Scheduler } from './scheduler.js';

export interface ShadowOptions {
  readonly fleet: Pick<ModelFleet, 'assignment'>;
  readonly cache: FeatureCache;
  readonly scheduler: Pick<Scheduler, 'run'>;
  /** A shadow that keeps failing is not asked for a while, like any version. */
  readonly breakers: { allows(model: LoadedModel): boolean };
  readonly producer: Pick<BusProducer, 'sendAll'>;
  readonly worker: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface ShadowRow extends LiveRow {
  readonly answered: Scored;
}

interface ShadowGroup extends RowGroup {
  readonly rows: ShadowRow[];
}

const shadowAnswers = counter(METRICS.shadowAnswers);

/**
 * Scores what has been answered once more, by the shadows of its model, from the same stored values. It comes after the answer and never
 * fails: of what a shadow cannot score is told that it could not, so that nobody is answered twice for its sake.
 */
export class ShadowScorer {
  private readonly instant = instantWriter();
  private pendingRows = 0;

  constructor(private readonly options: ShadowOptions) {}

  /**
   * Resolves when the answers of all shadows are acknowledged or dropped. Pinned answers have no shadow: they stand outside the traffic. Neither
   * have a fallback's: nothing would be compared with what the version that failed had said, and that it failed is on record.
   *
   * @param maxPendingRows for callers who do not wait: with more rows than that under way, these are dropped
   */
  async shadow(answers: readonly Answer[], maxPendingRows = Infinity): Promise<void> {
    const groups = this.groupsOf(answers);
    if (groups.length === 0) return;
    // Now, while the assignment is the one that was just read.
    for (const { served } of groups) served.acquire();
    for (const group of groups) {
      // Requests that wait for their answer go first.
      await otherWork();
      try {
        await this.bounded(group, maxPendingRows);
      } finally {
        group.served.release();
      }
    }
  }

  /** The rows of each shadow, under the assignment of this moment: the one that answered may be over. */
  private groupsOf(answers: readonly Answer[]): ShadowGroup[] {
    const groups = new Map<LoadedModel, ShadowGroup>();
    let model: string | undefined;
    let assignment: ReturnType<ModelFleet['assignment']>;
    for (const answer of answers) {
      if (answer.state === 'rejected' || answer.role === 'pinned' || answer.fallback !== undefined) continue;
      if (answer.served.model !== model) {
        model = answer.served.model;
        assignment = this.options.fleet.assignment(model);
      }
      if (assignment === undefined || assignment.shadows.length === 0) continue;
      for (const served of assignment.shadows) {
        const group = groups.get(served) ?? { served, role: 'shadow', revision: assignment.revision, addressed: answer.addressed, rows: [], open: 0 };
        groups.set(served, group);
        group.rows.push(Object.assign(rowOf({ request: { ...answer.request, deadlineMs: undefined }, rejection: undefined }, answer.pickUp) as LiveRow, { answered: answer, group, found: foundBy(served.lookups, answer) }));
      }
    }
    return [...groups.values()];
  }

  private async bounded(group: ShadowGroup, maxPendingRows: number): Promise<void> {
    const { served, rows } = group;
    if (this.pendingRows + rows.length > maxPendingRows) return count(served, 'overloaded', rows.length);
    this.pendingRows += rows.length;
    try {
      if (this.options.breakers.allows(served)) await this.score(group);
      else await this.tellOpen(group);
    } catch (thrown) {
      const { code, message } = toContractError(thrown);
      count(served, code, rows.length);
      this.options.logger.warn({ model: served.model, version: served.version, code, reason: message, rows: rows.length }, 'answers of a shadow are lost');
    } finally {
      this.pendingRows -= rows.length;
    }
  }

  private async score(group: ShadowGroup): Promise<void> {
    const { clock, cache, producer, scheduler } = this.options;
    const startMs = clock.steadyMs();
    await fetchFeatures(cache, [group]);
    const fetchedMs = clock.steadyMs();
    await scheduler.run(group.served, group.rows.filter(({ assembled }) => assembled !== undefined), 'batch');
    const times = { featuresMs: fetchedMs - startMs, endMs: clock.steadyMs(), answeredAtMs: clock.nowMs() };
    const results = new Map<string, number>();
    const messages: OutgoingMessage[] = [];
    for (const row of group.rows) {
      const { rejection } = row;
      const message = this.message(rejection === undefined ? scored(row, group, times) : failed(row, group, rejection, times.answeredAtMs));
      if (message !== undefined) messages.push(message);
      const result = rejection?.code ?? (message === undefined ? 'message_too_large' : 'scored');
      results.set(result, (results.get(result) ?? 0) + 1);
    }
    await producer.sendAll(messages);
    for (const [result, times] of results) count(group.served, result, times);
    this.report(group);
  }

  /** A shadow that keeps failing fails on these too, without being asked. */
  private async tellOpen(group: ShadowGroup): Promise<void> {
    const open = reject('circuit_open', 'it keeps failing and is not asked for now');
    const answeredAtMs = this.options.clock.nowMs();
    await this.options.producer.sendAll(group.rows.flatMap((row) => this.message(failed(row, group, open, answeredAtMs)) ?? []));
    count(group.served, open.code, group.rows.length);
  }

  /** `undefined` when it is larger than a message may be. */
  private message(answer: Scored): OutgoingMessage | undefined {
    const { value, headers } = encodeAnswer(answer, this.options.worker, this.instant);
    return value.length > MAX_ANSWER_CHARACTERS ? undefined : { topic: topicOf(answer), key: answer.request.key, value, headers };
  }

  /** One line a batch, not one a row. */
  private report({ served, rows }: ShadowGroup): void {
    const failed = rows.filter(({ rejection }) => rejection?.code === 'model_failed');
    if (failed.length === 0) return;
    this.options.logger.warn({ model: served.model, version: served.version, reason: failed[0]!.rejection!.reason, rows: failed.length }, 'a shadow fails');
  }
}

/** What the answer's version looked up, for the same lookups of the shadow: a comparison needs the same values on both sides. */
function foundBy(lookups: readonly Lookup[], { found, served }: Scored): (StoredValues | undefined)[] | undefined {
  if (found === undefined || lookups.length === 0) return undefined;
  return lookups.map(({ keyPrefix, entityRole }) => found[served.lookups.findIndex((one) => one.keyPrefix === keyPrefix && one.entityRole === entityRole)]);
}

/** As the answer it accompanies, in whose span it came about; its time until the start counts as queueing. */
function scored(row: ShadowRow, { served, role, revision }: ShadowGroup, times: { featuresMs: number; endMs: number; answeredAtMs: number }): Scored {
  const { answered, assembled, ageSeconds, batch, batchRow, found } = row;
  const { outputs, size, preprocessMs, inferenceMs, startedMs, endedMs } = batch!;
  const { steadyMs } = answered.pickUp;
  const { transport } = answered.timingsMs;
  const timingsMs = {
    transport,
    queue: rounded(Math.max(0, startedMs - steadyMs - times.featuresMs)),
    features: rounded(times.featuresMs),
    preprocess: rounded(preprocessMs),
    inference: rounded(inferenceMs),
    postprocess: rounded(times.endMs - endedMs),
    total: rounded(transport + times.endMs - steadyMs),
  };
  return { ...answered, served, role, revision, found, row: assembled!, ageSeconds, outputs, outputRow: batchRow, batchSize: size, timingsMs, answeredAtMs: times.answeredAtMs, answered: given(answered) };
}

/** That the shadow could not have answered: whoever compares must know, or a shadow that always fails would look like one that nobody asks. */
function failed({ answered }: ShadowRow, { served, role, revision }: ShadowGroup, { code, reason }: Rejection, answeredAtMs: number): Scored {
  return { ...answered, served, role, revision, found: undefined, row: undefined, ageSeconds: undefined, outputs: [], outputRow: 0, statedScore: undefined, batchSize: 1, answeredAtMs, answered: given(answered), failed: { code, reason } };
}

const given = (answer: Scored): AnswerGiven => ({ version: answer.served.version, role: answer.role, score: scoreOf(answer), totalMs: answer.timingsMs.total });

const count = ({ model, version }: LoadedModel, result: string, rows: number): void => shadowAnswers.add(rows, { model, version, result });
