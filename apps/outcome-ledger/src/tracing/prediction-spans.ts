import type { Names } from '@throughline/bus';
import type { TopicName } from '@throughline/contracts';
import { ATTRIBUTES, derivedSpanId, messagingAttributes, SPANS, type SpanRecord } from '@throughline/telemetry';
import { timelineOf, type Stretch } from './domain/timeline.js';
import type { TracedRow } from './traced-row.js';

/** Route of the scoring endpoint, as the worker's spans name it. */
const INFER_ROUTE = '/v2/models/{model}/infer';
/** Name of the worker, and of its consumer group. */
const WORKER = 'inference-worker';
const LEDGER_GROUP = 'outcome-ledger';

type Attributes = NonNullable<SpanRecord['attributes']>;

/**
 * The spans of a prediction, from what the ledger keeps of it: service, names, kinds, parents and times of those that its worker records when it is
 * sampled, under the ids that its headers announced; ids of stages follow from the scoring's, live as well, so that telling a story twice does not
 * double it in backends that know a span by its id. The ledger's own `process` is a moment: how long its transaction took is not kept.
 *
 * @param keptBecause why, where its outcome decided that
 */
export function predictionSpans(row: TracedRow, names: Names, keptBecause?: string): SpanRecord[] {
  const { scoring, stages, send } = timelineOf(row);
  const onBroker = names.topic(row.answerCoordinates.split('/')[0] as TopicName);
  const child = (key: string, stretch: Stretch, more: Pick<SpanRecord, 'name' | 'kind'> & { attributes?: Attributes }): SpanRecord => ({
    ...more, ...stretch, context: { ...row.scoring, spanId: derivedSpanId(row.scoring.spanId, key) }, parentSpanId: row.scoring.spanId,
    attributes: { ...more.attributes, [ATTRIBUTES.predictionId]: row.predictionId, [ATTRIBUTES.reconstructed]: true }, force: true,
  });
  const service = { name: WORKER, instance: row.worker };
  const stage = (name: string, stretch: Stretch): SpanRecord => ({ ...child(name, stretch, { name, kind: 'internal' }), service });
  const recorded = { startMs: row.recordedAtMs, endMs: row.recordedAtMs };
  return [
    { ...scoringSpan(row, scoring, names, keptBecause), service },
    ...(stages === undefined ? [] : [stage(SPANS.features, stages.features), stage(SPANS.queue, stages.queue), stage(SPANS.compute, stages.compute)]),
    { ...child(SPANS.send(onBroker), send, { name: SPANS.send(onBroker), kind: 'producer', attributes: messagingAttributes('send', onBroker) }), service },
    child(row.answerCoordinates, recorded, consumed(row.answerCoordinates, LEDGER_GROUP, names, { [ATTRIBUTES.state]: row.state })),
  ];
}

function scoringSpan(row: TracedRow, stretch: Stretch, names: Names, keptBecause: string | undefined): SpanRecord {
  const attributes = { ...attributesOf(row), ...(keptBecause === undefined ? {} : { [ATTRIBUTES.keptBecause]: keptBecause }) };
  return {
    ...(row.requestCoordinates === undefined ? { name: SPANS.http('POST', INFER_ROUTE), kind: 'server', attributes } : consumed(row.requestCoordinates, WORKER, names, attributes)),
    ...stretch, context: row.scoring, parentSpanId: row.parentSpanId, ...(row.errorCode === undefined ? {} : { error: row.errorCode }), force: true,
  };
}

/** A message handled by a consumer group. @param coordinates `topic/partition/offset` */
export function consumed(coordinates: string, group: string, names: Names, attributes: Attributes): Pick<SpanRecord, 'name' | 'kind'> & { attributes: Attributes } {
  const [topic, partition, offset] = coordinates.split('/') as [TopicName, string, string];
  const onBroker = names.topic(topic);
  return { name: SPANS.process(onBroker), kind: 'consumer', attributes: { ...attributes, ...messagingAttributes('process', onBroker, { partition: Number(partition), offset, group: names.group(group, topic) }) } };
}

/** All that makes the span stand alone. */
const attributesOf = (row: TracedRow): Attributes => ({
  [ATTRIBUTES.predictionId]: row.predictionId, [ATTRIBUTES.state]: row.state, [ATTRIBUTES.lane]: row.lane, [ATTRIBUTES.reconstructed]: true,
  ...present(ATTRIBUTES.team, row.team), ...present(ATTRIBUTES.model, row.model === '' ? undefined : row.model), ...present(ATTRIBUTES.modelVersion, row.version),
  ...present(ATTRIBUTES.artifactSha256, row.artifactSha256), ...present(ATTRIBUTES.role, row.role), ...present(ATTRIBUTES.assignmentRevision, row.assignmentRevision),
  ...present(ATTRIBUTES.batchSize, row.batchSize), ...present(ATTRIBUTES.runtime, row.runtime), ...present(ATTRIBUTES.costMicroUsd, row.costMicroUsd),
  ...present(ATTRIBUTES.fallbackReason, row.fallbackReason), ...present(ATTRIBUTES.errorCode, row.errorCode),
});

const present = (name: string, value: string | number | undefined): Attributes => (value === undefined ? {} : { [name]: value });
