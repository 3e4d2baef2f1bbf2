import type { Names } from '@throughline/bus';
import type { TopicName } from '@throughline/contracts';
import { ATTRIBUTES, derivedSpanId, messagingAttributes, parseTraceparent, recordSpan, SPANS, type SpanRecord } from '@throughline/telemetry';
import type { Answer, PickUp } from '../domain/answer.js';
import { topicOf } from '../domain/answer-events.js';

export interface Published {
  readonly names: Names;
  /** On the steady watch, as the pick-up has it. */
  readonly sentSteadyMs: number;
  readonly acknowledgedSteadyMs: number;
}

/** Route of the scoring endpoint, as spans name it. */
const INFER_ROUTE = '/v2/models/{model}/infer';
/** How `formatTraceparent` ends what is sampled. */
const SAMPLED_FLAGS = '-01';
/** Consumer group of the lanes, as the code calls it. */
const GROUP = 'inference-worker';

/**
 * The spans of one sampled answer: the scoring under the ids that its event announced, and a child a stage. A stage's id follows from them: the
 * ledger, which can tell the same story years later, gives it the same.
 */
export function recordSpans(answer: Answer, published: Published): void {
  // Of a hundred answers ninety-nine are not sampled: the flags alone say so, and to read the rest costs more than all else here. The text is our own.
  if (!answer.traceparent.endsWith(SAMPLED_FLAGS)) return;
  const context = parseTraceparent(answer.traceparent);
  if (context === undefined) return;
  const { request, pickUp } = answer;
  recordSpan({
    ...(request.coordinates === undefined ? { name: SPANS.http('POST', INFER_ROUTE), kind: 'server', attributes: attributesOf(answer) } : consumed(answer, request.coordinates, published.names)),
    context,
    parentSpanId: answer.parentSpanId,
    startMs: pickUp.nowMs,
    endMs: epochMs(pickUp, published.acknowledgedSteadyMs),
    ...(answer.state === 'rejected' ? { error: answer.rejection.code } : {}),
  });
  for (const stage of stagesOf(answer, published)) recordSpan({ ...stage, context: { ...context, spanId: derivedSpanId(context.spanId, stage.name) }, parentSpanId: context.spanId });
}

function consumed(answer: Answer, coordinates: string, names: Names): Pick<SpanRecord, 'name' | 'kind' | 'attributes'> {
  const [topic, partition, offset] = coordinates.split('/') as [TopicName, string, string];
  const onBroker = names.topic(topic);
  const messaging = messagingAttributes('process', onBroker, { partition: Number(partition), offset, group: names.group(GROUP, topic) });
  return { name: SPANS.process(onBroker), kind: 'consumer', attributes: { ...attributesOf(answer), ...messaging } };
}

function attributesOf(answer: Answer): Record<string, string | number> {
  const { request, predictionId } = answer;
  const state = answer.state === 'scored' && answer.fallback !== undefined ? 'fallback' : answer.state;
  const common = { [ATTRIBUTES.predictionId]: predictionId, [ATTRIBUTES.state]: state, [ATTRIBUTES.lane]: request.lane };
  if (answer.state === 'rejected') return { ...common, [ATTRIBUTES.errorCode]: answer.rejection.code };
  const { served, role, revision, batchSize, fallback } = answer;
  return {
    ...common,
    [ATTRIBUTES.model]: served.model,
    [ATTRIBUTES.modelVersion]: served.version,
    [ATTRIBUTES.artifactSha256]: served.artifactSha256,
    [ATTRIBUTES.role]: role,
    [ATTRIBUTES.assignmentRevision]: revision,
    [ATTRIBUTES.batchSize]: batchSize,
    ...(fallback === undefined ? {} : { [ATTRIBUTES.fallbackReason]: fallback.reason }),
  };
}

function stagesOf(answer: Answer, { names, sentSteadyMs, acknowledgedSteadyMs }: Published): Pick<SpanRecord, 'name' | 'kind' | 'startMs' | 'endMs' | 'attributes'>[] {
  const topic = names.topic(topicOf(answer));
  const { pickUp } = answer;
  const send = { name: SPANS.send(topic), kind: 'producer' as const, startMs: epochMs(pickUp, sentSteadyMs), endMs: epochMs(pickUp, acknowledgedSteadyMs), attributes: messagingAttributes('send', topic) };
  if (answer.state === 'rejected') return [send];
  const { queue, features, preprocess, inference } = answer.timingsMs;
  const fetchedMs = pickUp.nowMs + features;
  const startedMs = fetchedMs + queue;
  const packedMs = startedMs + preprocess;
  return [
    { name: SPANS.features, kind: 'internal', startMs: pickUp.nowMs, endMs: fetchedMs },
    { name: SPANS.queue, kind: 'internal', startMs: fetchedMs, endMs: startedMs },
    { name: SPANS.compute, kind: 'internal', startMs: packedMs, endMs: packedMs + inference },
    send,
  ];
}

/** All of a span's times hang on one reading of the wall: stages neither overlap nor leave their parent, even where the wall was set meanwhile. */
const epochMs = (pickUp: PickUp, steadyMs: number): number => pickUp.nowMs + steadyMs - pickUp.steadyMs;
