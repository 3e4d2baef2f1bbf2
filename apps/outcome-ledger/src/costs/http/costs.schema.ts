import { apiSchema } from '@throughline/http';

const count = { type: 'integer', minimum: 0 };
const money = { type: 'number', description: 'millionths of a dollar' };
const unknownMoney = { type: ['number', 'null'], description: 'millionths of a dollar; null where it is not known' };
const object = (properties: Record<string, object>, optional: Record<string, object> = {}): object => ({ type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } });
const text = { type: 'string' };

const LINE = object({
  predictions: { ...count, description: 'answered, by the model or a fallback' }, shadows: { ...count, description: 'answers of shadows, which cost as well' },
  cost: object({ computeMicroUsd: money, featuresMicroUsd: money, storageMicroUsd: money, totalMicroUsd: money, perPredictionMicroUsd: unknownMoney, unmeasuredAnswers: { ...count, description: 'answers that say nothing of their compute' } }),
  outcomes: object({ known: count, coverage: { type: ['number', 'null'], description: 'share of the predictions whose outcome is known' }, valued: { ...count, description: 'of those known: with a value by the model’s declaration' } }),
  valueMicroUsd: { ...unknownMoney, description: 'of the predictions whose value is known; null where none is, which is not 0' }, valuePerValuedMicroUsd: unknownMoney,
  netMicroUsd: { ...unknownMoney, description: 'known value minus the cost of all predictions' },
}, {
  model: text, version: text, team: { type: ['string', 'null'], description: 'null for none; “(other teams)” for those beyond the 200 a day that have lines of their own' }, role: text, day: { type: 'string', format: 'date' },
  ceilingMicroUsd: { ...unknownMoney, description: 'of a prediction, by the model’s policy; null where it says none, or the registry does not answer' }, overCeiling: { type: ['boolean', 'null'] },
});

const EXAMPLE_LINE = {
  predictions: 4182, shadows: 0, cost: { computeMicroUsd: 812.4, featuresMicroUsd: 83.6, storageMicroUsd: 1587.1, totalMicroUsd: 2483.1, perPredictionMicroUsd: 0.594, unmeasuredAnswers: 0 },
  outcomes: { known: 3900, coverage: 0.9326, valued: 3900 }, valueMicroUsd: 1_450_000, valuePerValuedMicroUsd: 371.8, netMicroUsd: 1_447_516.9,
};

export const COST_REPORT = apiSchema({
  ...object({
    estimate: { type: 'boolean', description: 'always true: costs are estimates' },
    prices: object({ featureReadMicroUsd: money, storageGbMonthMicroUsd: money, retentionDays: { type: 'integer', minimum: 0 } }),
    from: { type: 'string', format: 'date' }, to: { type: 'string', format: 'date', description: 'exclusive' }, groupBy: { type: 'array', items: text },
    lines: { type: 'array', items: LINE }, total: LINE, truncated: { type: 'boolean', description: 'whether there were more than 5,000 lines' },
  }, { model: text }),
  example: {
    estimate: true, prices: { featureReadMicroUsd: 0.02, storageGbMonthMicroUsd: 115_000, retentionDays: 90 }, from: '2026-11-01', to: '2026-12-01', groupBy: ['model', 'version'],
    lines: [{ model: 'flight-delay', version: '1', ...EXAMPLE_LINE, ceilingMicroUsd: 5, overCeiling: false }], total: EXAMPLE_LINE, truncated: false,
  },
});
