import type { Static, TSchema } from '@sinclair/typebox';
import { ContractError, FallbackRequests, ServingRequest, type Batching, type BreakerPolicy, type LatencyBudget } from '@throughline/contracts';
import { Ajv, type ValidateFunction } from 'ajv';
import { describeSchemaError } from './schema-error.js';

/** How a model is served, as a request says it: versions by their number. */
export const PolicyRequest = ServingRequest;
type PolicyField = keyof typeof PolicyRequest;

/** A fallback as the registry keeps it. */
export type FallbackChoice =
  | Static<typeof FallbackRequests.last_known_good>
  | { kind: 'previous_version'; version?: number }
  | { kind: 'rules'; version: number }
  | Static<typeof FallbackRequests.constant>;

/** How a model is served, whichever versions serve it: it stays when they change. */
export interface ServingPolicy {
  readonly batching?: Batching | undefined;
  readonly latencyBudgetMs?: LatencyBudget | undefined;
  readonly breaker?: BreakerPolicy | undefined;
  readonly requestTopics?: readonly string[] | undefined;
  readonly fallbacks?: readonly FallbackChoice[] | undefined;
}

const CURES: Record<PolicyField, string> = {
  batching: 'For example {"maxBatchSize": 64, "maxDelayMs": 2}.',
  latencyBudgetMs: 'For example {"queue": 5, "inference": 2}: milliseconds of transport, queue, features, preprocess, inference, postprocess and publish.',
  breaker: 'For example {"failureShare": 0.5, "windowSeconds": 10, "minCallsPerSecond": 1, "openSeconds": 5}.',
  requestTopics: 'Call them prediction.requested.v1.<name> or prediction.requested.batch.v1.<name>, with a name of small letters, digits and dashes.',
  fallbacks: 'For example [{"kind": "last_known_good", "maxAgeSeconds": 600}, {"kind": "previous_version"}, {"kind": "rules", "version": 5}, {"kind": "constant", "outputs": {"probability": [0.1]}}].',
};

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });
const compile = (schemas: Record<string, TSchema>): Map<string, ValidateFunction> => new Map(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));
const { fallbacks: _, ...PLAIN_FIELDS } = PolicyRequest;
const plainFields = compile(PLAIN_FIELDS);
const kinds = compile(FallbackRequests);

/**
 * Reads what a request says about how a model is served.
 *
 * @throws ContractError `invalid_request` that names the field, with an example as its cure
 */
export function readPolicy(request: Readonly<Partial<Record<PolicyField, unknown>>>): ServingPolicy {
  for (const [field, validate] of plainFields) {
    const value = request[field as PolicyField];
    if (value !== undefined && !validate(value)) throw refuse(field as PolicyField, describeSchemaError(validate.errors?.[0], field));
  }
  const { batching, latencyBudgetMs, breaker, requestTopics, fallbacks } = request as ServingPolicy;
  if (requestTopics !== undefined && new Set(requestTopics).size < requestTopics.length) throw refuse('requestTopics', 'requestTopics names a topic twice');
  return { batching, latencyBudgetMs, breaker, requestTopics, fallbacks: fallbacks === undefined ? undefined : readFallbacks(fallbacks) };
}

function readFallbacks(fallbacks: unknown): FallbackChoice[] {
  if (!Array.isArray(fallbacks)) throw refuse('fallbacks', 'fallbacks must be an array');
  const { maxItems } = PolicyRequest.fallbacks;
  if (fallbacks.length > maxItems!) throw refuse('fallbacks', `fallbacks has ${fallbacks.length} entries, more than ${maxItems}`);
  const choices = fallbacks.map(readFallback);
  const constantAt = choices.findIndex(({ kind }) => kind === 'constant');
  if (constantAt !== -1 && constantAt < choices.length - 1) throw refuse('fallbacks', `fallbacks.${constantAt} always answers, so that what follows it is never asked`, 'Put the constant last.');
  return choices;
}

function readFallback(fallback: unknown, index: number): FallbackChoice {
  const at = `fallbacks.${index}`;
  const kind = (fallback as { kind?: unknown } | null)?.kind;
  const validate = typeof kind === 'string' ? kinds.get(kind) : undefined;
  if (validate === undefined) throw refuse('fallbacks', `${at}.kind must be one of ${[...kinds.keys()].join(', ')}`);
  if (!validate(fallback)) {
    const error = validate.errors?.find(({ keyword }) => keyword === 'anyOf') ?? validate.errors?.[0];
    throw refuse('fallbacks', error?.keyword === 'anyOf' ? `${at}.version must be a version, such as 3` : describeSchemaError(error, at));
  }
  const named = (fallback as { version?: number | string }).version;
  return (named === undefined ? fallback : { ...(fallback as object), version: Number(named) }) as FallbackChoice;
}

const refuse = (field: PolicyField, reason: string, cure = CURES[field]): ContractError => new ContractError('invalid_request', reason, { cure });
