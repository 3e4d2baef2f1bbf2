import { ContractError, GuardPlans, ModelPolicy, type GuardPlan, type PromotionMode, type RolloutPlan } from '@throughline/contracts';
import { Ajv, type ValidateFunction } from 'ajv';
import { canonical } from '../../domain/canonical.js';
import { describeSchemaError } from '../../domain/schema-error.js';

/** A model's policy as it is in force. */
export interface PolicyInForce {
  /** 0 before the first was put. */
  readonly revision: number;
  readonly policy: ModelPolicy;
}

export const NO_POLICY: PolicyInForce = { revision: 0, policy: {} };

const CURES: Readonly<Record<string, string>> = {
  errorRate: 'For example {"max": 0.01, "measuredBy": "errors"}.',
  outcome: 'For example {"positiveFrom": 15, "maturitySeconds": 86400, "valueMicroUsd": {"truePositive": 2000000, "falsePositive": -500000}}.',
  segments: 'For example [{"name": "hubs", "entityRole": "origin", "entityIds": ["ATL", "ORD"]}].',
  promotion: 'For example {"mode": "rollout", "rollout": {"strategy": "canary", "steps": [{"share": 0.05, "minSeconds": 600}, {"share": 1}]}}.',
};

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });
const validators = new Map<string, ValidateFunction>(Object.entries(ModelPolicy.properties).map(([field, schema]) => [field, ajv.compile(schema)]));
const guardValidators = new Map<string, ValidateFunction>(Object.entries(GuardPlans).map(([kind, schema]) => [kind, ajv.compile(schema)]));

/**
 * Reads a policy; what is not in it is not declared.
 *
 * @throws ContractError `invalid_request` that names the field, with an example as its cure
 */
export function readModelPolicy(body: Readonly<Record<string, unknown>>): ModelPolicy {
  const policy = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
  for (const [field, value] of Object.entries(policy)) {
    const validate = validators.get(field);
    if (validate === undefined) throw new ContractError('invalid_request', `a policy has no field “${field.slice(0, 100)}”`, { cure: `Its fields are ${[...validators.keys()].join(', ')}.` });
    if (!validate(value)) throw refuse(field, reasonOf(validate, value, field));
  }
  checkSegments(policy);
  return policy;
}

export const promotionMode = ({ promotion }: ModelPolicy): PromotionMode => promotion?.mode ?? 'immediate';

/** How a new version is brought in where nobody says how. */
export const rolloutPlan = ({ promotion }: ModelPolicy): RolloutPlan => promotion?.rollout ?? { strategy: 'canary' };

/** Guards with the tolerated error rate, where they have no maximum of their own. */
export function withTolerance<G extends { readonly kind: string; readonly max?: number | undefined }>(guards: readonly G[], { errorRate }: ModelPolicy): G[] {
  if (errorRate === undefined) return [...guards];
  const kind: GuardPlan['kind'] = errorRate.measuredBy === 'errors' ? 'error_rate' : 'fallback_rate';
  return guards.map((guard) => (guard.kind === kind && guard.max === undefined ? { ...guard, max: errorRate.max } : guard));
}

/**
 * Whether there is something to write.
 *
 * @param expectedRevision what the writer has seen; absent: whatever is there
 * @throws ContractError `conflict` when somebody else was first
 */
export function decidePolicy(current: PolicyInForce, wanted: ModelPolicy, expectedRevision?: number): 'unchanged' | 'changed' {
  if (expectedRevision !== undefined && expectedRevision !== current.revision) {
    throw new ContractError('conflict', `the policy is at revision ${current.revision}, not ${expectedRevision} as expected`);
  }
  return canonical(current.policy) === canonical(wanted) ? 'unchanged' : 'changed';
}

/** Of the many kinds of guards a schema error names none; the guard's own does. */
function reasonOf(validate: ValidateFunction, value: unknown, field: string): string {
  const guards = (value as { rollout?: { guards?: unknown } } | null)?.rollout?.guards;
  if (field === 'promotion' && Array.isArray(guards)) {
    for (const [index, guard] of (guards as ({ kind?: unknown } | null)[]).entries()) {
      const at = `promotion.rollout.guards.${index}`;
      const ofKind = guardValidators.get(String(guard?.kind));
      if (ofKind === undefined) return `${at}.kind must be one of ${[...guardValidators.keys()].join(', ')}`;
      if (!ofKind(guard)) return describeSchemaError(ofKind.errors?.[0], at);
    }
  }
  const error = validate.errors?.find(({ keyword }) => keyword === 'anyOf') ?? validate.errors?.[0];
  if (error?.keyword !== 'anyOf') return describeSchemaError(error, field);
  return `${describeSchemaError({ ...error, message: 'must be one of' }, field)} ${choicesOf(validate.errors ?? []).join(', ')}`;
}

const choicesOf = (errors: readonly { keyword: string; params: Record<string, unknown> }[]): unknown[] => errors.filter(({ keyword }) => keyword === 'const').map(({ params }) => params['allowedValue']);

function checkSegments({ segments = [] }: ModelPolicy): void {
  const names = segments.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw refuse('segments', `two segments are called “${twice}”`);
}

const refuse = (field: string, reason: string): ContractError => new ContractError('invalid_request', reason, CURES[field] === undefined ? undefined : { cure: CURES[field] });
