import { apiSchema } from '@throughline/http';

const count = { type: 'integer', minimum: 0 };
const instant = { type: 'string', format: 'date-time' };

const PROPERTIES = {
  rebuildId: { type: 'string', format: 'uuid' }, model: { type: 'string' }, from: instant, to: instant, status: { type: 'string', enum: ['running', 'finished', 'cancelled'] }, reason: { type: ['string', 'null'] },
  total: { ...count, description: 'answered predictions in the period when it began' }, seen: { ...count, description: 'of these, those that were looked at' }, unchanged: { ...count, description: 'told as before, under the same ids' },
  corrected: { ...count, description: 'judged otherwise by the declaration of today, and told as corrections' }, unjudged: { ...count, description: 'not told: nothing that was said of them counts any more' },
  requestedAt: instant, endedAt: { type: ['string', 'null'], format: 'date-time' },
};
const SCHEMA = { type: 'object', required: Object.keys(PROPERTIES), properties: PROPERTIES };

const EXAMPLE = {
  rebuildId: 'c0a8f2ce-3e5a-4b53-8e8e-0e5a3e1f7c2d', model: 'flight-delay', from: '2001-01-01T00:00:00.000Z', to: '2001-02-01T00:00:00.000Z', status: 'running', reason: 'the consumers lost their state', total: 4182, seen: 1000,
  unchanged: 880, corrected: 20, unjudged: 0, requestedAt: '2026-11-21T09:00:00.000Z', endedAt: null,
};

export const REBUILD = apiSchema({ ...SCHEMA, example: EXAMPLE });
export const REBUILDS = apiSchema({ type: 'object', required: ['rebuilds'], properties: { rebuilds: { type: 'array', items: SCHEMA } }, example: { rebuilds: [EXAMPLE] } });
