import { encodeEvent, type EncodedEvent, type PredictionRejected, type PredictionScored } from '@throughline/contracts';
import { toWire } from '@throughline/features';
import type { Answer, OutputColumn, Rejected, Scored } from './answer.js';
import type { RequestIdentity } from './scoring-request.js';

/** CloudEvents source of every answer. */
export const SOURCE = '/throughline/inference-worker';

export type AnswerTopic = 'prediction.scored.v1' | 'prediction.rejected.v1';
export const topicOf = ({ state }: Answer): AnswerTopic => (state === 'scored' ? 'prediction.scored.v1' : 'prediction.rejected.v1');

/** The answer as a message. Copies of one request give the same event id; a replay's attempt tells its answer apart. */
export function encodeAnswer(answer: Answer, worker: string, instant: (ms: number) => string): EncodedEvent {
  const { predictionId, request, traceparent, answeredAtMs } = answer;
  const id = request.attempt === 0 ? predictionId : `${predictionId}/${request.attempt}`;
  const envelope = { id, source: SOURCE, timeMs: answeredAtMs, traceparent };
  return answer.state === 'scored'
    ? encodeEvent('prediction.scored.v1', { ...envelope, data: scoredData(answer, worker, instant) })
    : encodeEvent('prediction.rejected.v1', { ...envelope, data: rejectedData(answer, worker, instant) });
}

export function scoredData(scored: Scored, worker: string, instant: (ms: number) => string): PredictionScored {
  const { served, row, ageSeconds } = scored;
  const score = scoreOf(scored);
  return {
    ...identity(scored.request, scored.predictionId, instant),
    model: served.model,
    version: served.version,
    artifactSha256: served.artifactSha256,
    role: scored.role,
    assignmentRevision: scored.revision,
    outputs: Object.fromEntries(scored.outputs.map((output) => [output.name, outputRow(output, scored.outputRow)])),
    ...(score === undefined ? undefined : { score }),
    features: { values: row.values, ...(ageSeconds === undefined ? undefined : { ageSeconds }), ...(row.defaulted === undefined ? undefined : { defaulted: row.defaulted }) },
    timingsMs: { ...scored.timingsMs },
    batchSize: scored.batchSize,
    scoredAt: instant(scored.answeredAtMs),
    worker,
    runtime: served.runtime,
  };
}

export function rejectedData({ request, predictionId, rejection, answeredAtMs }: Rejected, worker: string, instant: (ms: number) => string): PredictionRejected {
  return {
    ...identity(request, predictionId, instant),
    ...(request.model === undefined ? undefined : { model: request.model }),
    ...(request.version === undefined ? undefined : { version: request.version }),
    code: rejection.code,
    reason: rejection.reason,
    cure: rejection.cure,
    rejectedAt: instant(answeredAtMs),
    worker,
  };
}

function identity(request: RequestIdentity, predictionId: string, instant: (ms: number) => string) {
  return {
    predictionId,
    requestSource: request.source,
    requestId: request.id,
    // What is absent stays undefined here: JSON leaves it out.
    row: request.row,
    attempt: request.attempt === 0 ? undefined : request.attempt,
    lane: request.lane,
    team: request.team,
    routingKey: request.routingKey,
    entities: request.entities,
    occurredAt: request.occurredAt ?? instant(request.occurredAtMs),
    requestedAt: instant(request.requestedAtMs),
    requestCoordinates: request.coordinates,
  };
}

/** The values of one row as they travel in JSON. */
export function outputRow({ data, rowWidth, datatype }: OutputColumn, row: number): (number | string | boolean)[] {
  const values = new Array<number | string | boolean>(rowWidth);
  for (let column = 0; column < rowWidth; column++) {
    const value = data[row * rowWidth + column]!;
    if (typeof value === 'string') values[column] = value;
    else values[column] = datatype === 'BOOL' ? value === 1 : toWire(value);
  }
  return values;
}

/** The one number that monitoring follows; absent where the signature names none, or the model's answer is not finite. */
export function scoreOf({ served, outputs, outputRow: row }: Pick<Scored, 'served' | 'outputs' | 'outputRow'>): number | undefined {
  const { score } = served.signature;
  const output = score === undefined ? undefined : outputs.find(({ name }) => name === score.output);
  if (score === undefined || output === undefined || score.index >= output.rowWidth) return undefined;
  const value = Number(output.data[row * output.rowWidth + score.index]);
  return Number.isFinite(value) ? value : undefined;
}
