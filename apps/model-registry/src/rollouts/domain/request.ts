import { Type } from '@sinclair/typebox';
import { ContractError, GuardPlans, RolloutRequest, STRATEGIES, type GuardPlan, type ModelPolicy, type OutcomeDeclaration, type StepPlan } from '@throughline/contracts';
import { Ajv } from 'ajv';
import { describeSchemaErrors } from '../../domain/schema-error.js';
import { defaultSpec } from '../guards/defaults.js';
import type { Guard, RolloutSpec, Segment, Step } from './spec.js';

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });
/** Guards are checked each by its own kind's schema, whose errors say more than those of a union. */
const kindOnly = Type.Optional(Type.Array(Type.Object({ kind: Type.String() }), { maxItems: RolloutRequest.properties.guards.maxItems! }));
const validate = ajv.compile(Type.Object({ ...RolloutRequest.properties, guards: kindOnly }, { additionalProperties: false }));
const guardValidators = new Map(Object.entries(GuardPlans).map(([kind, schema]) => [kind, ajv.compile(schema)]));

/** What a model has declared, beside the request. */
export interface Declared {
  readonly segments: readonly Segment[];
  readonly outcome: OutcomeDeclaration | undefined;
  readonly errorRate: ModelPolicy['errorRate'];
}

/** @throws ContractError `invalid_request` that names the field */
export function readRequest(body: unknown): RolloutRequest {
  if (!validate(body)) throw invalid(describeSchemaErrors(validate.errors));
  for (const [index, guard] of ((body as RolloutRequest).guards ?? []).entries()) readGuard(guard, index);
  return body as RolloutRequest;
}

function readGuard(guard: { kind: string }, index: number): void {
  const check = guardValidators.get(guard.kind);
  if (check === undefined) throw invalid(`guards.${index}.kind must be one of ${[...guardValidators.keys()].join(', ')}`);
  if (!check(guard)) throw invalid(describeSchemaErrors(check.errors, `guards.${index}`));
}

/**
 * The whole of a rollout: the request over the strategy's defaults, with what the model declares.
 *
 * @throws ContractError `invalid_request` for steps or guards that make no sense together
 */
export function specOf(request: RolloutRequest, declared: Declared): RolloutSpec {
  const { strategy } = request;
  const defaults = defaultSpec(strategy, Number(request.candidate));
  const spec: RolloutSpec = {
    ...defaults,
    segments: request.segments ?? declared.segments,
    outcome: declared.outcome,
    steps: request.steps === undefined ? defaults.steps : request.steps.map((step, index) => stepOf(strategy, step, index, defaults.steps)),
    guards: (request.guards === undefined ? defaultGuards(defaults.guards, declared) : request.guards.map((guard) => guardOf(guard, defaults.guards))).map((guard) => tolerating(guard, declared.errorRate)),
    falseRollbackRate: request.falseRollbackRate ?? defaults.falseRollbackRate,
    consecutiveBreaches: request.consecutiveBreaches ?? defaults.consecutiveBreaches,
    evaluateEverySeconds: request.evaluateEverySeconds ?? defaults.evaluateEverySeconds,
    endsAfterSeconds: request.endsAfterSeconds ?? defaults.endsAfterSeconds,
    atEnd: request.atEnd ?? defaults.atEnd,
    allowSignatureChange: request.allowSignatureChange ?? false,
  };
  checkSteps(spec);
  checkGuards(spec);
  return spec;
}

function stepOf(strategy: RolloutSpec['strategy'], { share: wanted, ...step }: StepPlan, index: number, defaults: readonly Step[]): Step {
  const like = defaults[Math.min(index, defaults.length - 1)]!;
  if (strategy === 'canary' && wanted === undefined) throw invalid(`steps.${index}.share is missing`);
  if (hasFixedShare(strategy) && wanted !== undefined && wanted !== like.share) throw invalid(`steps.${index}.share: a ${strategy} rollout has no shares`, 'Leave it out.');
  return { minSeconds: like.minSeconds, minPredictions: like.minPredictions, minOutcomes: like.minOutcomes, ...step, share: wanted ?? like.share };
}

/** A shadow answers nobody, a blue-green candidate all. */
const hasFixedShare = (strategy: RolloutSpec['strategy']): boolean => strategy === 'shadow' || strategy === 'blue_green';

function guardOf(guard: GuardPlan, defaults: readonly Guard[]): Guard {
  const like = defaults.find(({ kind }) => kind === guard.kind) ?? allGuards.find(({ kind }) => kind === guard.kind)!;
  return { ...like, ...guard } as Guard;
}

/** Without a declaration of what decisions are worth, no value can be watched. */
const defaultGuards = (guards: readonly Guard[], { outcome }: Declared): readonly Guard[] => guards.filter(({ kind }) => kind !== 'business_value' || outcome?.valueMicroUsd !== undefined);

/** The model's tolerated error rate is the maximum of the guard that measures it, unless the guard has its own. */
function tolerating(guard: Guard, errorRate: Declared['errorRate']): Guard {
  const measured = errorRate?.measuredBy === 'fallbacks' ? 'fallback_rate' : 'error_rate';
  if (errorRate === undefined || guard.kind !== measured || guard.max !== undefined) return guard;
  return { ...guard, max: errorRate.max };
}

/** Every kind with its defaults: a strategy does without some. */
const allGuards: readonly Guard[] = STRATEGIES.flatMap((strategy) => defaultSpec(strategy, 1).guards);

function checkSteps({ strategy, steps, endsAfterSeconds }: RolloutSpec): void {
  if (strategy !== 'canary' && steps.length > 1) throw invalid(`a ${strategy} rollout has one step, not ${steps.length}`);
  if (strategy === 'ab' && endsAfterSeconds === undefined) throw invalid('endsAfterSeconds is missing: the end of an A/B is fixed beforehand');
  const shares = steps.map((step) => step.share);
  if (strategy === 'canary' && shares.some((one, index) => !(one > (shares[index - 1] ?? 0)))) throw invalid('the shares of the steps must rise');
  if (strategy === 'ab' && !(shares[0]! > 0 && shares[0]! < 1)) throw invalid('steps.0.share of an A/B must lie between 0 and 1');
}

function checkGuards({ guards, segments, outcome }: RolloutSpec): void {
  const twice = guards.find(({ kind }, index) => guards.findIndex((one) => one.kind === kind) !== index);
  if (twice !== undefined) throw invalid(`there are two guards of the kind ${twice.kind}`);
  const names = segments.map(({ name }) => name);
  if (new Set(names).size < names.length) throw invalid('two segments have the same name');
  const latency = guards.find((guard) => guard.kind === 'p99_latency');
  if (latency !== undefined && latency.maxMs === undefined && latency.maxRatio === undefined) throw invalid('the guard p99_latency needs maxMs or maxRatio');
  if (guards.some(({ kind }) => kind === 'business_value') && outcome?.valueMicroUsd === undefined) {
    throw invalid('the guard business_value needs to know what decisions are worth', 'Declare outcome.valueMicroUsd in the model’s policy: PUT /registry/v1/models/{name}/policy.');
  }
}

const invalid = (reason: string, cure = 'Compare the rollout with /openapi.json.'): ContractError => new ContractError('invalid_request', reason, { cure });
