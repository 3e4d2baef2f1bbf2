import { apiSchema } from '@throughline/http';
import { STORY } from '../story/schema.js';

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
    ...counts('predictions', 'fallback', 'rejected', 'shadowed', 'outcomes', 'joined', 'pending', 'unmatched', 'outcomesOfRejected', 'duplicateOutcomes', 'assumed'),
    models: { type: 'array', items: object({ model: { type: 'string' }, version: { type: 'string' }, ...OF_VERSION, auc: nullable('number', { description: 'of the last joined predictions; null where the model is not binary or one class is missing' }), aucCount: count }) },
  }),
  example: {
    predictions: 4182, fallback: 82, rejected: 3, shadowed: 0, outcomes: 3900, joined: 3900, pending: 282, unmatched: 0, outcomesOfRejected: 0, duplicateOutcomes: 12, assumed: 0,
    models: [{ model: 'flight-delay', version: '1', predictions: 4182, fallback: 82, rejected: 3, shadowed: 0, joined: 3900, pending: 282, auc: 0.71, aucCount: 3900 }],
  },
});

const LISTED = object({
  predictionId: { type: 'string', format: 'uuid' }, state: { type: 'string' }, model: { type: 'string' }, version: nullable('string'), role: nullable('string'), team: nullable('string'),
  occurredAt: instant, requestedAt: instant, lane: { type: 'string' }, score: nullable('number'), code: nullable('string', { description: 'of the rejection' }),
  fallback: nullable('string', { description: 'kind of the fallback that answered' }), outcome: { description: 'null while it is not known' }, assumed: nullable('boolean'), delaySeconds: nullable('number'),
  error: nullable('number'), correct: nullable('boolean'), valueMicroUsd: nullable('number'), totalMs: nullable('number', { description: 'what all stages took together' }),
});

export const PAGE = apiSchema({
  ...object({ predictions: { type: 'array', items: { anyOf: [LISTED, STORY] } }, nextCursor: nullable('string', { description: 'give it as cursor for what follows' }) }),
  example: {
    predictions: [{
      predictionId: ID, state: 'scored', model: 'flight-delay', version: '1', role: 'champion', team: null, occurredAt: '2001-02-01T00:00:00.000Z', requestedAt: '2026-11-21T09:00:00.000Z',
      lane: 'stream', score: 0.83, code: null, fallback: null, outcome: true, assumed: false, delaySeconds: 7200, error: -0.17, correct: true, valueMicroUsd: 2_000_000, totalMs: 3.1,
    }],
    nextCursor: null,
  },
});
