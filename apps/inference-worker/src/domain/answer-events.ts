import { encodeEvent, STRUCTURED_CONTENT_TYPE, TOPICS, type EncodedEvent, type PredictionRejected } from '@throughline/contracts';
import { outputRow, shortestFloat32 } from '@throughline/features';
import type { Answer, Rejected, Scored, ServedModel } from './answer.js';

/** CloudEvents source of every answer. */
export const SOURCE = '/throughline/inference-worker';

export type AnswerTopic = 'prediction.scored.v1' | 'prediction.shadowed.v1' | 'prediction.rejected.v1';

/** A shadow's answer has a topic of its own: consumers of scored never see it. */
export function topicOf(answer: Answer): AnswerTopic {
  if (answer.state === 'rejected') return 'prediction.rejected.v1';
  return answer.role === 'shadow' ? 'prediction.shadowed.v1' : 'prediction.scored.v1';
}

/** The answer as a message. Copies of one request give the same event id; a replay's attempt tells its answer apart. */
export function encodeAnswer(answer: Answer, worker: string, instant: Instant): EncodedEvent {
  const { request, predictionId, traceparent, answeredAtMs } = answer;
  const id = request.attempt === 0 ? predictionId : `${predictionId}/${request.attempt}`;
  if (answer.state === 'rejected') return encodeEvent('prediction.rejected.v1', { id, source: SOURCE, timeMs: answeredAtMs, traceparent, data: rejectedData(answer, worker, instant) });
  const idJson = answer.role === 'shadow' ? quote(`${id}/shadow/${answer.served.version}`) : `"${id}"`;
  const value = `{"specversion":"1.0","id":${idJson},"source":"${SOURCE}","type":"${TOPICS[topicOf(answer)].eventType}","time":"${instant(answeredAtMs)}","data":${scoredJson(answer, worker, instant)}}`;
  return { value, headers: { 'content-type': STRUCTURED_CONTENT_TYPE, traceparent } };
}

/** Writes RFC 3339 of epoch milliseconds. */
export type Instant = (ms: number) => string;

const quote = JSON.stringify as (text: string) => string;

/**
 * The `data` of `prediction.scored`, written by hand: every prediction pays for it, and this takes half as long as building an object for
 * `JSON.stringify`.
 */
function scoredJson(scored: Scored, worker: string, instant: Instant): string {
  const { served, row, ageSeconds, timingsMs, fallback, propensity, costMicroUsd } = scored;
  const score = scored.statedScore ?? scoreOf(scored);
  const { transport, queue, features, preprocess, inference, postprocess, total } = timingsMs;
  return `{${identityJson(scored, instant)},${servedJson(served)},"role":"${scored.role}","assignmentRevision":${scored.revision}${propensity === undefined ? '' : `,"propensity":${propensity}`}`
    + `,"outputs":{${outputsJson(scored)}}${score === undefined ? '' : `,"score":${score}`}`
    + `,"features":{"values":${row === undefined ? '[]' : JSON.stringify(row.values)}${ageSeconds === undefined ? '' : `,"ageSeconds":${JSON.stringify(ageSeconds)}`}${row?.defaulted === undefined ? '' : `,"defaulted":[${row.defaulted.join()}]`}}`
    + `,"timingsMs":{"transport":${transport},"queue":${queue},"features":${features},"preprocess":${preprocess},"inference":${inference},"postprocess":${postprocess},"total":${total}}`
    + `${scored.answered === undefined ? '' : `,"answered":${JSON.stringify(scored.answered)}`}${scored.failed === undefined ? '' : `,"failed":${JSON.stringify(scored.failed)}`},"batchSize":${scored.batchSize},"scoredAt":"${instant(scored.answeredAtMs)}","worker":${quote(worker)}${costMicroUsd === undefined ? '' : `,"costMicroUsd":${costMicroUsd}`}${fallback === undefined ? '' : `,"fallback":${JSON.stringify(fallback)}`}}`;
}

function identityJson({ request, predictionId, parentSpanId }: Scored, instant: Instant): string {
  const { source, id, row, attempt, lane, team, routingKey, entities, occurredAt, coordinates } = request;
  return `"predictionId":"${predictionId}","requestSource":${quote(source)},"requestId":${quote(id)}`
    + `${row === undefined ? '' : `,"row":${row}`}${attempt === 0 ? '' : `,"attempt":${attempt}`},"lane":"${lane}"`
    + `${team === undefined ? '' : `,"team":${quote(team)}`}${routingKey === undefined ? '' : `,"routingKey":${quote(routingKey)}`}`
    + `${entities === undefined ? '' : `,"entities":${JSON.stringify(entities)}`}`
    + `,"occurredAt":${occurredAt === undefined ? `"${instant(request.occurredAtMs)}"` : quote(occurredAt)},"requestedAt":"${instant(request.requestedAtMs)}"`
    + `${coordinates === undefined ? '' : `,"requestCoordinates":"${coordinates}"`}${parentSpanId === undefined ? '' : `,"parentSpanId":"${parentSpanId}"`}`;
}

const servedFragments = new WeakMap<ServedModel, string>();

/** The same for every answer of a version. */
function servedJson(served: ServedModel): string {
  let json = servedFragments.get(served);
  if (json === undefined) {
    const { model, version, artifactSha256, runtime } = served;
    json = JSON.stringify({ model, version, artifactSha256, runtime }).slice(1, -1);
    servedFragments.set(served, json);
  }
  return json;
}

function outputsJson({ outputs, outputRow: row }: Scored): string {
  let json = '';
  for (const output of outputs) json += `${json === '' ? '' : ','}${quote(output.name)}:${JSON.stringify(outputRow(output, row))}`;
  return json;
}

function rejectedData({ request, predictionId, parentSpanId, pickUp, rejection, answeredAtMs, asked }: Rejected, worker: string, instant: Instant): PredictionRejected {
  const { source, id, row, attempt, lane, team, routingKey, entities, occurredAt, occurredAtMs, requestedAtMs, coordinates, model } = request;
  // What is absent stays undefined here: JSON leaves it out.
  return {
    predictionId, requestSource: source, requestId: id, row, lane, team, routingKey, entities, model, worker,
    version: request.version ?? asked?.version,
    role: asked?.role,
    assignmentRevision: asked?.revision,
    attempt: attempt === 0 ? undefined : attempt,
    occurredAt: occurredAt ?? instant(occurredAtMs),
    requestedAt: instant(requestedAtMs),
    requestCoordinates: coordinates,
    parentSpanId,
    timingsMs: { transport: Math.max(0, pickUp.nowMs - request.requestedAtMs), total: Math.max(0, answeredAtMs - request.requestedAtMs) },
    code: rejection.code,
    reason: rejection.reason,
    cure: rejection.cure,
    rejectedAt: instant(answeredAtMs),
  };
}

/** The one number that monitoring follows; absent where the signature names none, or the model's answer is not finite. */
export function scoreOf({ served, outputs, outputRow: row }: Pick<Scored, 'served' | 'outputs' | 'outputRow'>): number | undefined {
  const { score } = served.signature;
  const output = score === undefined ? undefined : outputs.find(({ name }) => name === score.output);
  if (score === undefined || output === undefined || score.index >= output.rowWidth) return undefined;
  const value = Number(output.data[row * output.rowWidth + score.index]);
  if (!Number.isFinite(value)) return undefined;
  return output.data instanceof Float32Array ? shortestFloat32(value) : value;
}
