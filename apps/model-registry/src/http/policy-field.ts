import type { ApiPropertyOptions } from '@nestjs/swagger';
import { apiSchema } from '@throughline/http';
import { PolicyRequest } from '../domain/serving-policy.js';

const EXAMPLES: Readonly<Record<keyof typeof PolicyRequest, unknown>> = {
  batching: { maxBatchSize: 64, maxDelayMs: 2 },
  latencyBudgetMs: { queue: 5, inference: 2 },
  breaker: { failureShare: 0.5, windowSeconds: 10, minCallsPerSecond: 1, openSeconds: 5 },
  requestTopics: ['prediction.requested.v1.priority'],
  fallbacks: [{ kind: 'last_known_good', maxAgeSeconds: 600 }, { kind: 'constant', outputs: { probability: [0.1] } }],
};

/** A field of the serving policy as its schema describes it: whole, because `required` of a property would take the place of its own. */
export const policyField = (field: keyof typeof PolicyRequest): ApiPropertyOptions => ({ allOf: [apiSchema(PolicyRequest[field])], example: EXAMPLES[field] }) as ApiPropertyOptions;
