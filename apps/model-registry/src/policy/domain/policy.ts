import { ContractError, GuardPlans, ModelPolicy } from '@throughline/contracts';
import { Ajv, type ValidateFunction } from 'ajv';
import { canonical } from '../../domain/canonical.js';
import { describeSchemaError } from '../../domain/schema-error.js';
import { outcomeFault, type PolicyFault } from './outcome.js';

/** A model's policy as it is in force. */
export interface PolicyInForce {
  /** 0 before the first was put. */
  readonly revision: number;
  readonly policy: ModelPolicy;
}

export const NO_POLICY: PolicyInForce = { revision: 0, policy: {} };

/** Examples of the fields, for whoever reads the description or gets one wrong. */
export const EXAMPLES: Readonly<Record<keyof ModelPolicy, unknown>> = {
  owner: 'ada@example.org',
  team: 'flights',
  description: 'chance that a flight departs more than 15 minutes late',
  errorRate: { max: 0.01, measuredBy: 'errors' },
  costCeilingMicroUsd: 50,
  outcome: { positiveFrom: 15, maturitySeconds: 86_400, valueMicroUsd: { truePositive: 2_000_000, falsePositive: -500_000 } },
  monitoring: { windowSeconds: { data: 3600, quality: 86_400 }, alarms: ['data_drift', 'quality'], minSamples: { numeric: 200 }, minEffect: { distance: 0.15 } },
  privacy: { entities: { customer: 'hash' }, routingKey: 'hash', requestId: 'hash' },
  segments: [{ name: 'hubs', entityRole: 'origin', entityIds: ['ATL', 'ORD'] }],
  promotion: { mode: 'rollout', rollout: { strategy: 'canary', steps: [{ share: 0.05, minSeconds: 600 }, { share: 1, minSeconds: 600 }] } },
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
  refuseFault('outcome', outcomeFault((policy as ModelPolicy).outcome ?? {}));
  return policy;
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

/** @throws ContractError `invalid_request` if there is a fault */
export function refuseFault(field: keyof ModelPolicy, fault: PolicyFault | undefined): void {
  if (fault !== undefined) throw refuse(field, fault.reason, fault.cure);
}

const refuse = (field: string, reason: string, cure = `For example ${JSON.stringify(EXAMPLES[field as keyof ModelPolicy])}.`): ContractError => new ContractError('invalid_request', reason, { cure });
