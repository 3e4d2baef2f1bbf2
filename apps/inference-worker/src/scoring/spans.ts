import { ATTRIBUTES, messagingAttributes, newSpanId, parseTraceparent, recordSpan, SPANS, type SpanRecord } from '@throughline/telemetry';
import type { Answer } from '../domain/answer.js';
import { topicOf } from '../domain/answer-events.js';

export interface Published {
  readonly worker: string;
  readonly topicPrefix: string;
  readonly sentAtMs: number;
  readonly acknowledgedAtMs: number;
}

/** Route of the scoring endpoint, as spans name it. */
const INFER_ROUTE = '/v2/models/{model}/infer';

/** The spans of one sampled answer: the scoring under the ids that its event announced, and a child a stage. */
export function recordSpans(answer: Answer, published: Published): void {
  const context = parseTraceparent(answer.traceparent);
  if (context?.sampled !== true) return;
  const { request } = answer;
  const isHttp = request.lane === 'http';
  const [topic = '', partition = '', offset = ''] = request.coordinates?.split('/') ?? [];
  recordSpan({
    name: isHttp ? SPANS.http('POST', INFER_ROUTE) : SPANS.process(published.topicPrefix + topic),
    kind: isHttp ? 'server' : 'consumer',
    context,
    parentSpanId: parseTraceparent(request.traceparent)?.spanId,
    startMs: answer.pickedUpAtMs,
    endMs: published.acknowledgedAtMs,
    attributes: { ...attributesOf(answer), ...(isHttp ? {} : messagingAttributes('process', published.topicPrefix + topic, { partition: Number(partition), offset })) },
    ...(answer.state === 'rejected' ? { error: answer.rejection.code } : {}),
  });
  for (const stage of stagesOf(answer, published)) recordSpan({ ...stage, context: { ...context, spanId: newSpanId() }, parentSpanId: context.spanId });
}

function attributesOf(answer: Answer): Record<string, string | number> {
  const { request, predictionId } = answer;
  const common = { [ATTRIBUTES.predictionId]: predictionId, [ATTRIBUTES.state]: answer.state, [ATTRIBUTES.lane]: request.lane };
  if (answer.state === 'rejected') return { ...common, [ATTRIBUTES.errorCode]: answer.rejection.code };
  const { served, role, revision, batchSize } = answer;
  return {
    ...common,
    [ATTRIBUTES.model]: served.model,
    [ATTRIBUTES.modelVersion]: served.version,
    [ATTRIBUTES.artifactSha256]: served.artifactSha256,
    [ATTRIBUTES.role]: role,
    [ATTRIBUTES.assignmentRevision]: revision,
    [ATTRIBUTES.batchSize]: batchSize,
  };
}

function stagesOf(answer: Answer, { topicPrefix, sentAtMs, acknowledgedAtMs }: Published): Pick<SpanRecord, 'name' | 'kind' | 'startMs' | 'endMs' | 'attributes'>[] {
  const topic = topicPrefix + topicOf(answer);
  const record = { name: SPANS.record, kind: 'producer' as const, startMs: sentAtMs, endMs: acknowledgedAtMs, attributes: messagingAttributes('send', topic) };
  if (answer.state === 'rejected') return [record];
  const { queue, features, inference } = answer.timingsMs;
  const queuedMs = answer.pickedUpAtMs + queue;
  const fetchedMs = queuedMs + features;
  return [
    { name: SPANS.queue, kind: 'internal', startMs: answer.pickedUpAtMs, endMs: queuedMs },
    { name: SPANS.features, kind: 'internal', startMs: queuedMs, endMs: fetchedMs },
    { name: SPANS.compute, kind: 'internal', startMs: fetchedMs, endMs: fetchedMs + inference },
    record,
  ];
}
