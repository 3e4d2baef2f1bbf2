import { ContractError, type ModelDeployment, type MonitoringPolicy, type OutcomeDeclaration, type PrivacyPolicy, type RolloutRef, type ServedVersion } from '@throughline/contracts';
import { canonical } from './canonical.js';
import { resolveFallbacks, versionsOfFallbacks } from './fallbacks.js';
import type { ServingPolicy } from './serving-policy.js';

/** Which versions serve, in which role, and how; what a deployment event says, without the versions' own data. */
export interface Assignment extends ServingPolicy {
  readonly champion?: number | undefined;
  readonly challengers: readonly { readonly version: number; readonly share: number }[];
  readonly shadows: readonly number[];
  /** Kept warm without traffic. */
  readonly standbys?: readonly number[] | undefined;
  /** The rollout that wrote it; none, if a person did. */
  readonly rollout?: RolloutRef | undefined;
  /** As the model's policy has it. */
  readonly outcome?: OutcomeDeclaration | undefined;
  /** As the model's policy has it. */
  readonly monitoring?: MonitoringPolicy | undefined;
  /** As the model's policy has it. */
  readonly privacy?: PrivacyPolicy | undefined;
  /** Salt of the split; kept while challengers change, so that keys stay with their arm. */
  readonly splitSalt?: string | undefined;
  readonly maxBatchSize?: number | undefined;
}

export interface Deployment {
  readonly model: string;
  /** 0 before the first decision. */
  readonly revision: number;
  readonly assignment: Assignment;
}

export const noDeployment = (model: string): Deployment => ({ model, revision: 0, assignment: { challengers: [], shadows: [] } });

/**
 * The next revision of a deployment, or the same object when nothing would change.
 *
 * @param expectedRevision what the writer has seen; absent: whatever is there
 * @throws ContractError `conflict` when somebody else was first, `invalid_request` for an assignment that makes no sense
 */
export function decideDeployment(current: Deployment, wanted: Assignment, expectedRevision?: number): Deployment {
  if (expectedRevision !== undefined && expectedRevision !== current.revision) {
    throw new ContractError('conflict', `the deployment is at revision ${current.revision}, not ${expectedRevision} as expected`);
  }
  checkAssignment(wanted);
  const revision = current.revision + 1;
  const assignment = { ...wanted, splitSalt: saltOf(current, wanted, revision) };
  if (current.revision > 0 && sameAssignment(current.assignment, assignment)) return current;
  return { model: current.model, revision, assignment };
}

/** The assignment after a move of the champion alias: the version leaves every other role; how the model is served stays. */
export function withChampion(assignment: Assignment, champion: number | undefined): Assignment {
  return {
    ...assignment,
    champion,
    // Challengers take their share from the champion; without one there is nothing to share.
    challengers: champion === undefined ? [] : assignment.challengers.filter(({ version }) => version !== champion),
    shadows: assignment.shadows.filter((version) => version !== champion),
    standbys: assignment.standbys?.filter((version) => version !== champion),
  };
}

/** Every version an assignment names, once. */
export const versionsOf = ({ champion, challengers, shadows, standbys = [], fallbacks = [] }: Assignment): number[] => [
  ...new Set([...(champion === undefined ? [] : [champion]), ...challengers.map(({ version }) => version), ...shadows, ...standbys, ...versionsOfFallbacks(fallbacks)]),
];

/**
 * The event: the assignment with what workers and monitors need to know of each version.
 *
 * @param previous the champion before the present one, where a fallback wants it
 */
export function toEvent({ model, revision, assignment }: Deployment, served: (version: number) => ServedVersion, decidedAt: Date, previous?: number): ModelDeployment {
  const { champion, challengers, shadows, standbys, rollout, outcome, monitoring, privacy, splitSalt, maxBatchSize, batching, latencyBudgetMs, breaker, requestTopics, fallbacks } = assignment;
  const servedChampion = champion === undefined ? undefined : served(champion);
  return {
    model,
    revision,
    updatedAt: decidedAt.toISOString(),
    ...(servedChampion === undefined ? {} : { champion: servedChampion }),
    challengers: challengers.map(({ version, share }) => ({ ...served(version), share })),
    shadows: shadows.map(served),
    ...(standbys === undefined ? {} : { standbys: standbys.map(served) }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(monitoring === undefined ? {} : { monitoring }),
    ...(privacy === undefined ? {} : { privacy }),
    ...(splitSalt === undefined ? {} : { splitSalt }),
    ...(maxBatchSize === undefined ? {} : { maxBatchSize }),
    ...(batching === undefined ? {} : { batching }),
    ...(latencyBudgetMs === undefined ? {} : { latencyBudgetMs }),
    ...(breaker === undefined ? {} : { breaker }),
    ...(requestTopics === undefined ? {} : { requestTopics: [...requestTopics] }),
    ...(fallbacks === undefined ? {} : { fallbacks: resolveFallbacks(fallbacks, servedChampion, previous, served) }),
  };
}

function checkAssignment({ champion, challengers, shadows, standbys = [] }: Assignment): void {
  const all = [...(champion === undefined ? [] : [champion]), ...challengers.map(({ version }) => version), ...shadows, ...standbys];
  const twice = all.find((version, index) => all.indexOf(version) !== index);
  if (twice !== undefined) throw new ContractError('invalid_request', `version ${twice} has two roles`);
  if (champion === undefined && challengers.length > 0) throw new ContractError('invalid_request', 'challengers need a champion to share the traffic with');
  const shares = challengers.reduce((sum, { share }) => sum + share, 0);
  if (challengers.some(({ share }) => !(share > 0))) throw new ContractError('invalid_request', 'a challenger’s share must be above 0', { cure: 'A version without traffic of its own is a shadow.' });
  // Tenths do not add up exactly.
  if (shares > 1 + 1e-9) throw new ContractError('invalid_request', `the challengers’ shares add up to ${shares}, more than 1`);
}

function saltOf({ model, assignment }: Deployment, wanted: Assignment, revision: number): string | undefined {
  if (wanted.challengers.length === 0) return undefined;
  const running = assignment.challengers.length > 0 ? assignment.splitSalt : undefined;
  return wanted.splitSalt ?? running ?? `${model}/${revision}`;
}

const sameAssignment = (a: Assignment, b: Assignment): boolean => canonical(a) === canonical(b);
