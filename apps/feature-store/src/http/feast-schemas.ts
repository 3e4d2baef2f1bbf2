import { apiSchema } from '@throughline/http';

const column = (items: object): object => ({ type: 'array', items, minItems: 1, maxItems: 10_000 });
const ID = { anyOf: [{ type: 'string', minLength: 1, maxLength: 200 }, { type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }] };
const SCALAR = { anyOf: [{ type: 'number' }, { type: 'string' }, { type: 'boolean' }, { type: 'null' }] };

/** Bodies of Feast's feature server, as far as they are understood here. */
export const ONLINE_REQUEST = apiSchema({
  type: 'object', required: ['features', 'entities'],
  properties: {
    features: { type: 'array', items: { type: 'string' }, minItems: 1, description: 'view:feature, or view@version:feature' },
    entities: { type: 'object', additionalProperties: column(ID), description: 'entity type to ids; all of one length, the rows asked for' },
    full_feature_names: { type: 'boolean', default: false, description: 'columns are called view__feature' },
    as_of: { type: 'string', format: 'date-time', description: 'the moment that ages are relative to; now by default' },
    include_outside_max_age: { type: 'boolean', default: false, description: 'give values that are too old all the same' },
  },
  example: { features: ['airport_traffic:mean_delay_1h'], entities: { airport: ['ATL', 'SFO'] }, full_feature_names: false },
});

export const ONLINE_RESPONSE = apiSchema({
  type: 'object', required: ['metadata', 'results'],
  properties: {
    metadata: { type: 'object', required: ['feature_names'], properties: { feature_names: { type: 'array', items: { type: 'string' } } } },
    results: {
      type: 'array',
      items: {
        type: 'object', required: ['values', 'statuses', 'event_timestamps'],
        properties: {
          values: { type: 'array', items: SCALAR },
          statuses: { type: 'array', items: { type: 'string', enum: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'] } },
          event_timestamps: { type: 'array', items: { type: 'string' } },
          sequences: { type: 'array', items: { type: 'integer' }, description: 'with the event time it orders two answers' },
        },
      },
    },
  },
  example: {
    metadata: { feature_names: ['airport', 'mean_delay_1h'] },
    results: [
      { values: ['ATL', 'SFO'], statuses: ['PRESENT', 'PRESENT'], event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'] },
      { values: [7, null], statuses: ['PRESENT', 'NOT_FOUND'], event_timestamps: ['2001-01-15T14:30:00Z', '1970-01-01T00:00:00Z'], sequences: [1, 0] },
    ],
  },
});

export const PUSH_REQUEST = apiSchema({
  type: 'object', required: ['push_source_name', 'df'],
  properties: {
    push_source_name: { type: 'string', minLength: 1, description: 'name of the events that the rows are' },
    df: {
      type: 'object', required: ['event_timestamp'], properties: { event_timestamp: column({ type: 'string', format: 'date-time' }) },
      additionalProperties: column(SCALAR), description: 'columns of one length: one called as the entity type, event_timestamp, and the values',
    },
    to: { type: 'string', enum: ['online', 'online_and_offline'], default: 'online' },
  },
  example: { push_source_name: 'flight_departed', df: { airport: ['ATL'], event_timestamp: ['2001-01-15T14:30:00Z'], delayMinutes: [7] }, to: 'online' },
});

export const PUSH_RESPONSE = apiSchema({
  type: 'object', required: ['status', 'applied', 'late'],
  properties: { status: { type: 'string', enum: ['ok'] }, applied: { type: 'integer' }, late: { type: 'integer', description: 'older than what their windows hold' } },
  example: { status: 'ok', applied: 1, late: 0 },
});
