import { apiSchema } from '@throughline/http';
import { STATUSES } from '../backtests.js';

const count = { type: 'integer', minimum: 0 };
const unknown = { type: ['number', 'null'] };
const text = { type: 'string' };
const instant = { type: ['string', 'null'], format: 'date-time' };
const object = (properties: Record<string, object>, optional: Record<string, object> = {}): object => ({ type: 'object', required: Object.keys(properties), properties: { ...properties, ...optional } });
const counts = (...names: string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, count]));
const numbers = (...names: string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, unknown]));

const QUALITY = object({ ...counts('labelled', 'truePositives', 'falsePositives', 'trueNegatives', 'falseNegatives'), ...numbers('accuracy', 'meanSquaredError', 'meanAbsoluteError', 'auc') });
const ESTIMATE = object({ status: { type: 'string', enum: ['ok', 'insufficient_data'] }, ...numbers('value', 'standardError', 'low', 'high') });
const ARM = object({ version: text, role: text, fallback: { type: 'boolean' }, ...counts('predictions', 'labelled', 'valuedPredictions'), quality: QUALITY, ...numbers('meanPropensity', 'valueMicroUsd', 'meanReward') });
const SIDES = (schema: object): object => object({ challenger: schema, champion: schema });
const COMPARISON = object({ challenger: text, champion: text, labelled: SIDES(count), effectiveSamples: SIDES({ type: 'number' }), weightedMean: SIDES(unknown), difference: ESTIMATE, pooledDifference: { ...unknown, description: 'of plain means: misleading where shares and rewards have moved together' } });
const CANDIDATE = object({
  decisions: object(counts('agree', 'differ', 'newlyPositive', 'newlyNegative')), meanAbsoluteScoreDifference: unknown, quality: QUALITY, servedQuality: QUALITY,
  ifIndependent: object({ assumption: text, labelled: count, ...numbers('meanReward', 'servedMeanReward', 'totalReward', 'servedTotalReward'), difference: { ...ESTIMATE, description: 'candidate minus what was really decided, prediction by prediction; the interval is clustered by routing key' } }),
  offPolicy: object({
    assumption: text, status: { type: 'string', enum: ['ok', 'partial_support', 'insufficient_data'] }, meanReward: { ...ESTIMATE, description: 'self-normalised inverse propensity' }, servedMeanReward: unknown, samples: count,
    effectiveSamples: { type: 'number' }, supportedShare: { ...unknown, description: 'share of the requests for which what the candidate would have done had a chance to be done' }, unknownPropensity: count,
  }),
});
const REPORT = object({
  ...counts('predictions', 'scored', 'labelled'), unscored: object(counts('feature_missing', 'withheld', 'erased', 'model_failed')),
  measure: { type: 'string', enum: ['value_micro_usd', 'correct', 'squared_error'], description: 'what rewards are in; of squared errors the smaller one is better' }, arms: { type: 'array', items: ARM }, comparisons: { type: 'array', items: COMPARISON }, candidate: CANDIDATE,
});

const ONE = object({
  backtestId: { type: 'string', format: 'uuid' }, status: { type: 'string', enum: [...STATUSES] },
  request: object({ model: text, from: text, to: text, candidate: { type: 'object' }, limit: count }, { threshold: { type: 'number' } }),
  progress: object({ done: count, total: { type: ['integer', 'null'] } }), attempts: { ...count, description: 'how often it was begun: a ledger that is stopped or lost leaves it to another, or to its next start' }, report: { anyOf: [REPORT, { type: 'null' }] }, error: { anyOf: [object({ code: text, reason: text }), { type: 'null' }] },
  createdAt: { type: 'string', format: 'date-time' }, startedAt: instant, finishedAt: instant,
});
const EXAMPLE = {
  backtestId: '0b0e5a3e-6c65-4a8e-9a39-0d7f1a3a5c11', status: 'running', request: { model: 'flight-delay', from: '2001-01-01T00:00:00.000Z', to: '2030-01-01T00:00:00.000Z', candidate: { version: '2' }, limit: 1_000_000 },
  progress: { done: 4000, total: 182_000 }, attempts: 1, report: null, error: null, createdAt: '2026-11-21T09:00:00.000Z', startedAt: '2026-11-21T09:00:01.000Z', finishedAt: null,
};

export const BACKTEST = apiSchema({ ...ONE, example: EXAMPLE });
export const BACKTESTS = apiSchema({ ...object({ backtests: { type: 'array', items: ONE } }), example: { backtests: [EXAMPLE] } });
