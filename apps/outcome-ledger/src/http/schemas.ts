import { apiSchema } from '@throughline/http';

const nullable = (type: string, more: object = {}): object => ({ type: [type, 'null'], ...more });
const instant = { type: 'string', format: 'date-time' };
const count = { type: 'integer', minimum: 0 };
const state = { type: 'string', enum: ['scored', 'fallback', 'rejected'] };
const counts = (...names: string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, count]));
const object = (properties: Record<string, object>, optional: Record<string, object> = {}): object => ({
  type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional },
});

const ID = '7b76029e-19dc-5779-9358-6c2488af76f8';
const OF_VERSION = counts('predictions', 'fallback', 'rejected', 'shadowed', 'joined', 'pending');

/** How predictions ended, by id. */
export const BOOKS = apiSchema({
  ...object({ states: { type: 'object', additionalProperties: state } }),
  example: { states: { [ID]: 'scored' } },
});

export const SUMMARY = apiSchema({
  ...object({
    ...counts('predictions', 'fallback', 'rejected', 'shadowed', 'outcomes', 'joined', 'pending', 'unmatched', 'outcomesOfRejected'),
    models: { type: 'array', items: object({ model: { type: 'string' }, version: { type: 'string' }, ...OF_VERSION, auc: nullable('number', { description: 'of the last joined predictions; null where the model is not binary or one class is missing' }), aucCount: count }) },
  }),
  example: {
    predictions: 4182, fallback: 82, rejected: 3, shadowed: 0, outcomes: 3900, joined: 3900, pending: 282, unmatched: 0, outcomesOfRejected: 0,
    models: [{ model: 'flight-delay', version: '1', predictions: 4182, fallback: 82, rejected: 3, shadowed: 0, joined: 3900, pending: 282, auc: 0.71, aucCount: 3900 }],
  },
});

const LISTED = object({
  predictionId: { type: 'string', format: 'uuid' }, state: { type: 'string' }, model: { type: 'string' }, version: nullable('string'), role: nullable('string'), team: nullable('string'),
  occurredAt: instant, requestedAt: instant, score: nullable('number'), code: nullable('string', { description: 'of the rejection' }),
  fallback: nullable('string', { description: 'kind of the fallback that answered' }), outcome: { description: 'null while it is not known' }, delaySeconds: nullable('number'), correct: nullable('boolean'),
});

/** What is known of one prediction grows with time; only its id and state are always there. */
export const STORY = apiSchema({
  ...object(
    { predictionId: { type: 'string', format: 'uuid' }, state: { type: 'string', enum: [...state.enum, 'awaited'], description: 'awaited: outcomes are there, the prediction is not' }, outcome: nullable('object'), outcomes: { type: 'array', items: { type: 'object' } } },
    {
      request: { type: 'object' }, answer: { type: 'object' }, rejection: { type: 'object' }, features: { type: 'array', items: { type: 'object' }, description: 'as used' },
      shadows: { type: 'array', items: { type: 'object' } }, trace: nullable('object'),
    },
  ),
  example: {
    predictionId: ID, state: 'scored', request: { source: '/shop/checkout', id: 'request-1', attempt: 0, lane: 'stream', occurredAt: '2001-02-01T00:00:00.000Z', requestedAt: '2026-11-21T09:00:00.000Z' },
    answer: { model: 'flight-delay', version: '1', role: 'champion', assignmentRevision: 1, score: 0.83, threshold: 0.5 }, features: [{ name: 'hour', value: 17 }],
    outcome: null, outcomes: [], trace: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', sampled: true },
  },
});

export const PAGE = apiSchema({
  ...object({ predictions: { type: 'array', items: { anyOf: [LISTED, STORY] } }, nextCursor: nullable('string', { description: 'give it as cursor for what follows' }) }),
  example: {
    predictions: [{
      predictionId: ID, state: 'scored', model: 'flight-delay', version: '1', role: 'champion', team: null, occurredAt: '2001-02-01T00:00:00.000Z', requestedAt: '2026-11-21T09:00:00.000Z',
      score: 0.83, code: null, fallback: null, outcome: true, delaySeconds: 7200, correct: true,
    }],
    nextCursor: null,
  },
});
