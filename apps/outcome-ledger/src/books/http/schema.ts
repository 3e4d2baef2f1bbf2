import { apiSchema } from '@throughline/http';
import { REQUEST_TOPICS } from '../domain/places.js';

const count = { type: 'integer', minimum: 0 };
const instant = { type: 'string', format: 'date-time' };
const object = (properties: Record<string, object>, optional: Record<string, object> = {}): object => ({ type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } });
const COUNTS = ['scored', 'fallback', 'rejected', 'recorded', 'joined', 'superseded', 'pending', 'ofRejected', 'copies', 'deadLetters', 'inFlight', 'missing', 'vanished', 'unrecorded'] as const;
const zero = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<(typeof COUNTS)[number], number>;

const ACCOUNT = {
  topic: { type: 'string', description: 'or `http`, or `elsewhere` for rows whose request was on no topic of requests' }, kind: { type: 'string', enum: ['requests', 'answers', 'outcomes', 'http', 'elsewhere'] },
  messages: { type: ['integer', 'null'], minimum: 0, description: 'on Kafka; null where nobody knows: over HTTP, and of hours of which Kafka has deleted messages' },
  ...Object.fromEntries(COUNTS.map((name) => [name, count])),
};

const example = { topic: REQUEST_TOPICS[0], kind: 'requests', messages: 1004, ...zero, scored: 990, fallback: 4, rejected: 6, copies: 2, inFlight: 1, missing: 1 };

export const HOURLY_BOOKS = apiSchema({
  ...object({
    from: instant, to: instant, checkedAt: instant, balanced: { type: 'boolean', description: 'nothing is missing, vanished or unrecorded' },
    total: object(Object.fromEntries(['inFlight', 'missing', 'vanished', 'unrecorded'].map((name) => [name, count]))),
    topics: { type: 'array', items: object({ ...ACCOUNT, unverifiable: { ...count, description: 'of any time: Kafka has them no more, the ledger never had them' } }) },
    hours: { type: 'array', items: object({ ...ACCOUNT, hour: instant }) },
    missing: { type: 'array', description: 'the first runs of offsets, from and up to', items: object({ topic: { type: 'string' }, partition: count, from: count, to: count }, { hour: instant }) },
  }),
  example: {
    from: '2026-11-21T09:00:00.000Z', to: '2026-11-21T10:00:00.000Z', checkedAt: '2026-11-21T09:59:00.000Z', balanced: false, total: { inFlight: 1, missing: 1, vanished: 0, unrecorded: 0 },
    topics: [{ ...example, unverifiable: 0 }], hours: [{ ...example, hour: '2026-11-21T09:00:00.000Z' }],
    missing: [{ topic: REQUEST_TOPICS[0], partition: 2, from: 4711, to: 4712, hour: '2026-11-21T09:00:00.000Z' }],
  },
});
