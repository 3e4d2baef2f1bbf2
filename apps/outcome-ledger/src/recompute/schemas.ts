import { apiSchema } from '@throughline/http';
import { RECOMPUTE_STATUSES } from './recomputations.js';

const ID = '7b76029e-19dc-5779-9358-6c2488af76f8';
const SHA256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const RUNTIME = 'onnxruntime-node 1.30.0 cpu, 1 thread, AMD EPYC x64';
const wireValue = { type: ['number', 'string', 'boolean', 'null'] };

const DIFFERENCE = {
  type: 'object', required: ['output', 'index', 'stored', 'recomputed'],
  properties: {
    output: { type: 'string' }, index: { type: 'integer', minimum: 0, description: 'within the row of the output' }, stored: wireValue, recomputed: wireValue,
    difference: { type: 'number', description: 'recomputed minus stored' }, ulps: { type: 'number', description: 'representable numbers between the two, the last one included; of floats' },
  },
};

const SCHEMA = {
  type: 'object', required: ['predictionId', 'status', 'explanation'],
  properties: {
    predictionId: { type: 'string', format: 'uuid' },
    status: {
      type: 'string', enum: [...RECOMPUTE_STATUSES],
      description: 'equal: bit for bit; different: see differences and runtime; withheld, erased, expired: values are not there (any more); not_computed: a fallback without a model answered; artifact_unavailable: explanation says where it may be; failed: it cannot be computed here, explanation says why',
    },
    explanation: { type: 'string' }, model: { type: 'string' }, version: { type: 'string' }, artifactSha256: { type: 'string' },
    runtime: {
      type: 'object', required: ['served', 'here', 'differs'],
      properties: { served: { type: ['string', 'null'], description: 'what computed the answer' }, here: { type: 'string', description: 'what has computed it again' }, differs: { type: ['boolean', 'null'], description: 'null: nobody wrote down what computed the answer' } },
    },
    servedBatchSize: { type: 'integer', minimum: 1 }, valuesCompared: { type: 'integer', minimum: 0 }, differenceCount: { type: 'integer', minimum: 0 },
    differences: { type: 'array', items: DIFFERENCE, description: 'the first hundred' },
    score: { type: 'object', required: ['stored', 'recomputed'], properties: { stored: { type: ['number', 'null'] }, recomputed: { type: ['number', 'null'] } }, description: 'present where the score on record is not the one that the outputs give' },
    computeMs: { type: 'number', minimum: 0 },
  },
};

export const RECOMPUTATION = apiSchema({
  ...SCHEMA,
  example: {
    predictionId: ID, status: 'equal', explanation: 'computed again, all 2 values have the same bits', model: 'flight-delay', version: '1', artifactSha256: SHA256,
    runtime: { served: RUNTIME, here: RUNTIME, differs: false }, servedBatchSize: 17, valuesCompared: 2, differenceCount: 0, computeMs: 0.3,
  },
});

export const REPORT = apiSchema({
  type: 'object', required: ['checked', 'byStatus', 'others', 'left'],
  properties: {
    checked: { type: 'integer', minimum: 0 }, byStatus: { type: 'object', additionalProperties: { type: 'integer', minimum: 1 }, description: 'how many ended how' },
    others: { type: 'array', items: SCHEMA, description: 'all that are not equal' }, left: { type: 'integer', minimum: 0, description: 'not reached in the time that one request has' },
  },
  example: { checked: 5, byStatus: { equal: 4, not_computed: 1 }, others: [{ predictionId: ID, status: 'not_computed', explanation: 'the deployment’s constant answered: nothing was computed' }], left: 0 },
});
