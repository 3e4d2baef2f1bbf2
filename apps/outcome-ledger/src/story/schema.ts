import { apiSchema } from '@throughline/http';
import { STRATEGIES } from '@throughline/contracts';

const text = { type: 'string' };
const number = { type: 'number' };
const count = { type: 'integer', minimum: 0 };
const flag = { type: 'boolean' };
const instant = { type: 'string', format: 'date-time' };
const micro = (description: string): object => ({ type: ['number', 'null'], description: `${description}, in millionths of a dollar` });
const wireValue = { type: ['number', 'string', 'boolean', 'null'] };
const outcomeValue = { type: ['number', 'string', 'boolean'] };
const outputs = { type: 'object', additionalProperties: { type: 'array', items: {} }, description: 'output name to the values of the row' };
const timingsMs = { type: ['object', 'null'], additionalProperties: number, description: 'milliseconds a stage' };
const described = (schema: object, description: string): object => ({ ...schema, description });
const object = (required: Record<string, object>, optional: Record<string, object> = {}, more: object = {}): object => ({ type: 'object', required: Object.keys(required), properties: { ...required, ...optional }, ...more });
const list = (items: object, description?: string): object => ({ type: 'array', items, ...(description === undefined ? {} : { description }) });
const nullable = (schema: object): object => ({ anyOf: [schema, { type: 'null' }] });

const REQUEST = object(
  { source: text, id: text, attempt: count, lane: text, occurredAt: described(instant, 'event time'), requestedAt: described(instant, 'processing time') },
  { row: count, team: text, routingKey: text, entities: { type: 'object', additionalProperties: text, description: 'role to entity' }, coordinates: described(text, 'topic/partition/offset') },
);

const ANSWER = object(
  { model: text, version: text, role: text, assignmentRevision: count, outputs: nullable(outputs), answeredAt: instant, timingsMs, batchSize: { type: 'integer', minimum: 1 }, worker: text, coordinates: text, recordedAt: instant },
  {
    artifactSha256: text, score: number, threshold: number, decision: described(flag, 'whether the score is at or above the threshold'), runtime: text, costMicroUsd: described(number, 'of computing it, as the worker measured it'),
    fallback: object({ kind: text, reason: described(text, 'code of the error instead of which it answers') }, { insteadOf: described(text, 'version that should have answered') }),
  },
);

const REJECTION = object(
  { code: text, reason: text, answeredAt: instant, worker: text, coordinates: text, recordedAt: instant },
  { cure: text, model: text, version: text, role: text, assignmentRevision: count, timingsMs },
);

const ROLLOUT = object({ id: text, strategy: { type: 'string', enum: [...STRATEGIES] }, candidate: text, step: count });

const WHY = object(
  { arm: { type: 'string', enum: ['champion', 'challenger', 'shadow', 'pinned', 'fallback', 'unknown'] }, explanation: text, propensity: described(number, 'chance that such a request was answered by this version') },
  {
    share: described(number, 'of the traffic, by the deployment'), rollout: ROLLOUT, decidedAt: described(instant, 'of that revision'), decidedBy: text, reason: text,
    arms: list(object({ version: text, role: text, share: number }), 'everything that shared the traffic'),
  },
  { description: 'why that version; says so where the revision of the deployment is not known' },
);

const STAGE = object({ stage: text, ms: number }, { budgetMs: number, isOver: described(flag, 'it took longer than its budget') });

const FEATURE = object(
  { name: text, value: wireValue },
  { view: described(text, 'feature view, such as airport_traffic@1; absent where the request brought it'), entityRole: text, ageSeconds: number, defaulted: described(flag, 'nobody had one') },
);

const OUTCOME = object(
  { value: described(outcomeValue, 'the truth as the model declares it'), assumed: described(flag, 'none came within the model’s maturity'), source: text, sequence: count, occurredAt: instant, delaySeconds: number, joinedAt: instant },
  { observed: described(outcomeValue, 'as it was sent, where that differs'), error: described(number, 'score minus outcome'), correct: described(flag, 'of a decision'), valueMicroUsd: described(number, 'what the decision was worth') },
);

const STATEMENT = object(
  { value: outcomeValue, source: text, sequence: count, occurredAt: instant, receivedAt: instant, recordedAt: instant, holds: described(flag, 'the one that counts'), coordinates: text },
  { observedAt: instant, traceId: text },
);

const MONEY = object({
  isEstimate: described({ const: true }, 'costs are estimates'), computeMicroUsd: micro('its part of its run’s time; null where nobody measured it'), featuresMicroUsd: micro('reads of feature views'),
  storageMicroUsd: micro('its row for as long as it is kept'), totalMicroUsd: micro('the sum of what is known'), valueMicroUsd: micro('what came of it; null while that is not known'), netMicroUsd: micro('value minus cost'),
});

const CHANGE = object(
  { at: instant, revision: count, kind: { type: 'string', enum: ['champion', 'rollout', 'traffic', 'shadows', 'fallbacks', 'budget', 'policy', 'unknown'] }, text },
  { by: text, reason: text },
);

const SINCE = object(
  { versionNow: { type: 'string', enum: ['champion', 'challenger', 'shadow', 'standby', 'fallback', 'none', 'unknown'], description: 'role that the version has now' }, changes: list(CHANGE), omitted: described(count, 'earlier changes that are not listed') },
  { currentRevision: count },
);

const TRACE = object({ traceId: text, spanId: text, sampled: { type: ['boolean', 'null'] } }, { parentSpanId: described(text, 'span that asked') });
const SHADOW = object({ version: text, assignmentRevision: count, outputs: nullable(outputs), score: { type: ['number', 'null'] } });

const ID = '7b76029e-19dc-5779-9358-6c2488af76f8';

/** What is known of one prediction grows with time; only its id, its state and what is known of its outcome are always there. */
export const STORY = apiSchema({
  ...object(
    {
      predictionId: { type: 'string', format: 'uuid' },
      state: { type: 'string', enum: ['scored', 'fallback', 'rejected', 'awaited', 'expired'], description: 'awaited: outcomes are there, the prediction is not; expired: its row is kept no longer; with `expiredAt` null its day was never dropped and something else has removed it' },
      outcome: described(nullable(OUTCOME), 'null while it is not known'), outcomes: list(STATEMENT, 'everything that was said, corrections included; the latest two hundred'),
    },
    {
      request: REQUEST, answer: ANSWER, rejection: REJECTION, why: WHY, stages: list(STAGE, 'against the latency budget of its deployment'),
      values: { type: 'string', enum: ['kept', 'withheld', 'erased', 'expired'], description: 'what is left of features and outputs: all of them, without what a privacy policy hashed or left out, or none' }, erasedAt: instant,
      features: list(FEATURE, 'as used'), money: MONEY, shadows: list(SHADOW), since: described(SINCE, 'what the deployment has become since'), trace: nullable(TRACE),
      day: described({ type: 'string', format: 'date' }, 'of an expired one: UTC day of its request'), expiredAt: described(nullable(instant), 'when that day left the ledger'), archive: list(text, 'Parquet files that it may be in'),
    },
  ),
  example: {
    predictionId: ID, state: 'scored', request: { source: '/shop/checkout', id: 'request-1', attempt: 0, lane: 'stream', occurredAt: '2001-02-01T00:00:00.000Z', requestedAt: '2026-11-21T09:00:00.000Z' },
    answer: {
      model: 'flight-delay', version: '1', role: 'champion', assignmentRevision: 1, score: 0.83, threshold: 0.5, decision: true, outputs: { probability: [0.83] }, answeredAt: '2026-11-21T09:00:00.004Z',
      timingsMs: { queue: 0.4, inference: 0.2, total: 3.1 }, batchSize: 4, worker: 'worker-1', coordinates: 'prediction.scored.v1/0/17', recordedAt: '2026-11-21T09:00:00.100Z',
    },
    why: { arm: 'champion', explanation: 'version 1 was the champion and had all of the traffic', propensity: 1, share: 1, decidedAt: '2026-11-20T09:00:00.000Z', decidedBy: 'ada@example.org', arms: [{ version: '1', role: 'champion', share: 1 }] },
    stages: [{ stage: 'queue', ms: 0.4 }, { stage: 'inference', ms: 0.2, budgetMs: 5, isOver: false }, { stage: 'total', ms: 3.1 }], values: 'kept', features: [{ name: 'hour', value: 17 }],
    outcome: null, outcomes: [], money: { isEstimate: true, computeMicroUsd: 0.002, featuresMicroUsd: 0, storageMicroUsd: 0.3, totalMicroUsd: 0.302, valueMicroUsd: null, netMicroUsd: null },
    since: { versionNow: 'champion', currentRevision: 1, changes: [], omitted: 0 }, trace: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true },
  },
});
