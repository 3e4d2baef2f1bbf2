import type { BusProducer, Names, OutgoingMessage } from '@throughline/bus';
import { counter, METRICS, spansEnabled } from '@throughline/telemetry';
import { askedBy, type Answer, type Rejected, type Scored } from '../domain/answer.js';
import { encodeAnswer, topicOf } from '../domain/answer-events.js';
import { ignoredValues } from '../domain/ignored-values.js';
import { reject } from '../domain/rejection.js';
import { instantWriter, type Clock } from './clock.js';
import { recordSpans } from './spans.js';
import type { StageMetrics } from './stage-metrics.js';

export interface RecorderOptions {
  readonly producer: Pick<BusProducer, 'sendAll'>;
  /** Instance that answers. */
  readonly worker: string;
  readonly clock: Clock;
  /** Names of other models are the sender's choosing: as a metric's label they would be unbounded. */
  readonly isDeployed: (model: string) => boolean;
  readonly stages: Pick<StageMetrics, 'observe'>;
  /** What topics and groups are called on the broker. */
  readonly names: Names;
}

/** Brokers refuse larger messages; bounded in characters of at most three bytes. */
export const MAX_ANSWER_CHARACTERS = 256 * 1024;

const predictions = counter(METRICS.predictions);
const rejections = counter(METRICS.rejections);
const fallbackAnswers = counter(METRICS.fallbackAnswers);
const unknownFeatures = counter(METRICS.unknownFeatures);

/** Answers as they go on record, message by message. */
export interface Encoded {
  /** One that is larger than a message may be has become a rejection. */
  readonly answers: readonly Answer[];
  readonly messages: readonly OutgoingMessage[];
}

/** Puts answers on record: publishes them, and counts and traces what the brokers have acknowledged. */
export class AnswerRecorder {
  private readonly instant = instantWriter();

  constructor(private readonly options: RecorderOptions) {}

  encode(answers: readonly Answer[]): Encoded {
    const messages: OutgoingMessage[] = new Array(answers.length);
    const recorded: Answer[] = new Array(answers.length);
    for (let at = 0; at < answers.length; at++) {
      const { answer, message } = this.encodeOne(answers[at]!);
      recorded[at] = answer;
      messages[at] = message;
    }
    return { answers: recorded, messages };
  }

  /** Resolves when every in-sync replica has all answers. Those of one call keep their order. */
  async publish({ answers, messages }: Encoded): Promise<void> {
    if (answers.length === 0) return;
    const { producer, clock, names, stages, isDeployed } = this.options;
    const sentSteadyMs = clock.steadyMs();
    await producer.sendAll(messages);
    const acknowledgedSteadyMs = clock.steadyMs();
    stages.observe(answers.filter(({ state }) => state === 'scored') as Scored[], acknowledgedSteadyMs - sentSteadyMs, clock.nowMs());
    tally(answers, isDeployed);
    if (!spansEnabled()) return;
    const published = { names, sentSteadyMs, acknowledgedSteadyMs };
    for (const answer of answers) recordSpans(answer, published);
  }

  private encodeOne(answer: Answer): { answer: Answer; message: OutgoingMessage } {
    const { worker } = this.options;
    const { key } = answer.request;
    const { value, headers } = encodeAnswer(answer, worker, this.instant);
    if (value.length <= MAX_ANSWER_CHARACTERS) return { answer, message: { topic: topicOf(answer), key, value, headers } };
    const { request, predictionId, traceparent, pickUp, answeredAtMs } = answer;
    const asked = answer.state === 'rejected' ? answer.asked : askedBy(answer);
    const tooLarge: Rejected = { state: 'rejected', request, predictionId, traceparent, pickUp, answeredAtMs, asked, rejection: reject('message_too_large', `the answer, which repeats the features, has ${value.length} characters; at most ${MAX_ANSWER_CHARACTERS} are published`) };
    return { answer: tooLarge, message: { topic: 'prediction.rejected.v1', key, ...encodeAnswer(tooLarge, worker, this.instant) } };
  }
}

/** Counts per label set, not per answer: an instrument costs a microsecond a call. */
function tally(answers: readonly Answer[], isDeployed: (model: string) => boolean): void {
  const scored = new Map<string, { count: number; labels: Record<string, string> }>();
  const rejected = new Map<string, { count: number; labels: Record<string, string> }>();
  const fallbacks = new Map<string, { count: number; labels: Record<string, string> }>();
  const ignored = new Map<string, number>();
  for (const answer of answers) {
    const { lane, model } = answer.request;
    if (answer.state === 'scored') {
      const { served, role, fallback } = answer;
      const state = fallback === undefined ? 'scored' : 'fallback';
      count(scored, `${served.model}\n${served.version}\n${role}\n${lane}\n${state}`, () => ({ model: served.model, version: served.version, role, lane, state }));
      const ignoredCount = ignoredValues(answer);
      if (ignoredCount > 0) ignored.set(served.model, (ignored.get(served.model) ?? 0) + ignoredCount);
      if (fallback !== undefined) count(fallbacks, `${served.model}\n${fallback.kind}\n${fallback.reason}`, () => ({ model: served.model, kind: fallback.kind, reason: fallback.reason }));
    } else {
      const { code } = answer.rejection;
      const known = model !== undefined && isDeployed(model) ? model : 'none';
      count(rejected, `${known}\n${code}\n${lane}`, () => ({ model: known, code, lane }));
    }
  }
  for (const { count: times, labels } of scored.values()) predictions.add(times, labels);
  for (const { count: times, labels } of rejected.values()) rejections.add(times, labels);
  for (const { count: times, labels } of fallbacks.values()) fallbackAnswers.add(times, labels);
  for (const [model, values] of ignored) unknownFeatures.add(values, { model });
}

function count(tally: Map<string, { count: number; labels: Record<string, string> }>, key: string, labels: () => Record<string, string>): void {
  const entry = tally.get(key);
  if (entry === undefined) tally.set(key, { count: 1, labels: labels() });
  else entry.count++;
}
