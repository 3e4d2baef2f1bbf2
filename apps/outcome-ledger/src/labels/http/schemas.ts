import { apiSchema } from '@throughline/http';

const nullable = (type: string, more: object = {}): object => ({ type: [type, 'null'], ...more });
const count = { type: 'integer', minimum: 0 };
const share = { type: 'number', minimum: 0, maximum: 1 };
const instant = { type: 'string', format: 'date-time' };
const closed = (properties: Record<string, object>): object => ({ type: 'object', required: Object.keys(properties), properties });
const orNull = (schema: object, description?: string): object => ({ anyOf: [schema, { type: 'null' }], ...(description === undefined ? {} : { description }) });

const quantile = orNull(closed({ value: { type: 'number' }, low: nullable('number'), high: nullable('number') }), 'with a 95 % interval; an end is null where it lies beyond what was watched');
const STANDING = {
  predictions: count, labelled: { ...count, description: 'with an observed outcome' }, assumed: { ...count, description: 'judged by what the declaration says of outcomes that do not come' },
  matured: nullable('integer', { description: 'old enough for an outcome to be due; null where the model declares no maturity' }),
  immature: nullable('integer', { description: 'too young: that they have no outcome says nothing' }),
  overdue: nullable('integer', { description: 'matured, no outcome and no assumption' }),
  coverage: orNull(closed({ share, low: share, high: share }), 'observed outcomes among the matured, with Wilson’s 95 % interval'),
  delay: closed({ medianSeconds: quantile, p90Seconds: quantile }),
  knownAfter: { type: 'array', items: closed({ seconds: count, share: nullable('number'), low: nullable('number'), high: nullable('number') }), description: 'share of outcomes known so long after the prediction, event time; null where nothing was watched for so long' },
};

const EXAMPLE_STANDING = {
  predictions: 4000, labelled: 3600, assumed: 0, matured: 3500, immature: 500, overdue: 100, coverage: { share: 0.9714, low: 0.9654, high: 0.9764 },
  delay: { medianSeconds: { value: 10_800, low: 10_500, high: 11_100 }, p90Seconds: { value: 21_600, low: 20_900, high: 22_400 } },
  knownAfter: [{ seconds: 3600, share: 0.02, low: 0.016, high: 0.025 }, { seconds: 86_400, share: 0.97, low: 0.965, high: 0.976 }],
};

/** How the labels of a model's predictions stand. */
export const LABELS = apiSchema({
  ...closed({
    model: { type: 'string' }, from: instant, to: instant, now: { ...instant, description: 'the model’s own present: its newest event time, going on at the pace of the wall' }, maturitySeconds: nullable('number'),
    total: closed(STANDING), versions: { type: 'array', items: closed({ version: { type: 'string' }, ...STANDING }) }, days: { type: 'array', items: closed({ day: { type: 'string', format: 'date' }, ...STANDING }) },
    curve: { type: 'array', items: closed({ seconds: { type: 'number' }, share, low: share, high: share, atRisk: count }) },
  }),
  example: {
    model: 'flight-delay', from: '2001-01-01T00:00:00.000Z', to: '2001-02-01T00:00:00.000Z', now: '2001-01-31T12:00:00.000Z', maturitySeconds: 86_400,
    total: EXAMPLE_STANDING, versions: [{ version: '1', ...EXAMPLE_STANDING }], days: [{ day: '2001-01-29', ...EXAMPLE_STANDING }],
    curve: [{ seconds: 3600, share: 0.02, low: 0.016, high: 0.025, atRisk: 4000 }],
  },
});
