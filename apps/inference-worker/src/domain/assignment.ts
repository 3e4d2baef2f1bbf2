import type { BreakerPolicy, Fallback, LatencyBudget, ModelDeployment, ServedVersion } from '@throughline/contracts';
import { reject, type Rejection } from './rejection.js';
import { armAt, splitPoint, type Arm } from './split.js';

export type Role = 'champion' | 'challenger' | 'shadow' | 'pinned';

/** Who serves a model now: versions that are warm, under one revision. */
export interface Assignment<M> {
  readonly model: string;
  readonly revision: number;
  readonly champion: M | undefined;
  /** The champion as the deployment names it, warm or not. */
  readonly declaredChampion: ServedVersion | undefined;
  /** All warm versions, the champion among them. */
  readonly versions: ReadonlyMap<string, M>;
  /** Versions that the deployment names and that are not warm (yet). */
  readonly cold: ReadonlySet<string>;
  /** In the order of the deployment. */
  readonly challengers: readonly Challenger<M>[];
  readonly splitSalt: string;
  /** Those that are warm. */
  readonly shadows: readonly M[];
  /** In the order in which they are tried. */
  readonly fallbacks: readonly FallbackStep<M>[];
  readonly breaker: BreakerPolicy;
  readonly latencyBudgetMs: LatencyBudget;
}

/** One way out when the version that should answer cannot. */
export interface FallbackStep<M> {
  readonly fallback: Fallback;
  /** The version that answers, where the step has one; absent while it is not warm. */
  readonly served: M | undefined;
}

export interface Challenger<M> extends Arm {
  /** Absent while it is not warm: its place in the split stays, the champion answers. */
  readonly served: M | undefined;
}

/** Who should have answered a request, as its deployment says; warm or not. */
export interface Asked {
  /** Absent where the deployment has no champion. */
  readonly version: string | undefined;
  readonly role: Role;
  readonly revision: number;
}

export interface Resolution<M> {
  readonly served: M;
  readonly role: Role;
  readonly revision: number;
  /** Chance that a key is answered by this version; absent when nobody shares the traffic. */
  readonly propensity?: number | undefined;
  /** The version that the caller addressed, by whose signature tensors are meant: the champion, unless another one is pinned. */
  readonly addressed: M;
}

/**
 * Which version answers: the one the request pins, if the deployment holds it; else the challenger whose share the split key falls into;
 * else the champion.
 *
 * @param splitKey the request's routing key, else its id; without one nobody is asked but the champion
 */
export function resolve<M>(assignment: Assignment<M> | undefined, model: string, version: string | undefined, splitKey?: string): Resolution<M> | Rejection {
  if (assignment === undefined) return reject('unknown_model', `no model “${model}” is deployed`);
  if (version === undefined) {
    const { champion, challengers, splitSalt, revision } = assignment;
    if (champion !== undefined) {
      const arm = challengers.length === 0 || splitKey === undefined ? undefined : armAt(challengers, splitPoint(splitSalt, splitKey));
      if (arm?.served !== undefined) return { served: arm.served, role: 'challenger', revision, propensity: arm.share, addressed: champion };
      return { served: champion, role: 'champion', revision, propensity: championPropensity(assignment), addressed: champion };
    }
    if (assignment.cold.size > 0) return reject('model_not_ready', `model “${model}” is deployed and not warm`);
    return reject('unknown_model', `model “${model}” has no champion`);
  }
  const pinned = assignment.versions.get(version);
  if (pinned !== undefined) return { served: pinned, role: 'pinned', revision: assignment.revision, propensity: undefined, addressed: pinned };
  if (assignment.cold.has(version)) return reject('model_not_ready', `version ${version} of “${model}” is deployed and not warm`);
  return reject('unknown_version', `the deployment of “${model}” has no version ${version}`);
}

/** What challengers that are warm leave; the shares of those that are not fall to the champion as well. */
function championPropensity({ challengers }: Pick<Assignment<unknown>, 'challengers'>): number | undefined {
  const taken = challengers.reduce((sum, { share, served }) => (served === undefined ? sum : sum + share), 0);
  if (taken === 0) return undefined;
  // Shares are decimal fractions, their sum is not; a champion that answers had some chance to.
  return Math.max(1e-6, Math.round((1 - taken) * 1e6) / 1e6);
}

/** Who should have answered where `resolve` finds nobody warm. */
export function askedOf({ declaredChampion, revision }: Pick<Assignment<unknown>, 'declaredChampion' | 'revision'>, version: string | undefined): Asked {
  return version === undefined ? { version: declaredChampion?.version, role: 'champion', revision } : { version, role: 'pinned', revision };
}

/** The assignment of a deployment with the versions that are warm. */
export function assignmentOf<M>(deployment: ModelDeployment, versions: ReadonlyMap<string, M>, cold: ReadonlySet<string>): Assignment<M> {
  const { model, revision, champion, challengers, shadows, splitSalt, fallbacks = [] } = deployment;
  return {
    model, revision, versions, cold,
    champion: champion === undefined ? undefined : versions.get(champion.version),
    declaredChampion: champion,
    challengers: challengers.map(({ version, share }) => ({ share: share ?? 0, served: versions.get(version) })),
    splitSalt: splitSalt ?? model,
    shadows: shadows.flatMap(({ version }) => versions.get(version) ?? []),
    fallbacks: fallbacks.map((fallback) => ({ fallback, served: 'served' in fallback ? versions.get(fallback.served.version) : undefined })),
    breaker: deployment.breaker ?? {},
    latencyBudgetMs: deployment.latencyBudgetMs ?? {},
  };
}

/** Each version that a deployment names, once; the champion first, because traffic waits for it. */
export function versionsOf(deployment: ModelDeployment): ServedVersion[] {
  const { shadows, standbys = [] } = deployment;
  return onceEach([...carriersOf(deployment), ...standbys, ...shadows]);
}

/** Those that may have to answer requests, the champion first. */
export function carriersOf({ champion, challengers, fallbacks = [] }: ModelDeployment): ServedVersion[] {
  const standIns = fallbacks.flatMap((fallback) => ('served' in fallback ? [fallback.served] : []));
  return onceEach([...(champion === undefined ? [] : [champion]), ...challengers, ...standIns]);
}

const onceEach = (named: readonly ServedVersion[]): ServedVersion[] => named.filter(({ version }, at) => named.findIndex((one) => one.version === version) === at);

/** Batch sizes to warm up at: a lone row, the largest batch, and steps between. */
export function warmUpSizes(maxBatchSize: number): number[] {
  return [...new Set([1, 4, 16, 64, 256].filter((size) => size < maxBatchSize).concat(maxBatchSize))];
}
