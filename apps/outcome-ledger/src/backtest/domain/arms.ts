import { decisionPropensity } from '@throughline/stats';

/** A version that answered part of the traffic under one revision of the deployment. */
export interface Arm {
  readonly version: string;
  readonly role: string;
  /** Chance that it answered a request; `undefined` where it was certain to. */
  readonly propensity: number | undefined;
}

/** How the chance of a past decision is known. */
export type Logging =
  /** Of every arm it is known how it would have decided. */
  | 'decisions'
  /** The candidate is an arm, and what it did had the chance with which it answered. */
  | 'version'
  /** Nobody can say. */
  | 'unknown';

/** Who shared the traffic under one revision. */
export interface Stratum {
  readonly arms: readonly Arm[];
  readonly logging: Logging;
}

/** Shares are rounded, and a champion's is what is left. */
const SHARES_TOLERANCE = 0.01;

/**
 * @param arms seen under a revision; what shared the traffic and never answered in the period is missing, and its share with it
 * @param knowsDecisions whether all of them can be asked about each other's requests
 */
export function stratumOf(arms: readonly Arm[], candidateVersion: string | undefined, knowsDecisions: boolean): Stratum {
  const shared = arms.filter(({ propensity }) => propensity !== undefined);
  const total = shared.reduce((sum, { propensity }) => sum + propensity!, 0);
  const isComplete = shared.length === 0 || Math.abs(total - 1) <= SHARES_TOLERANCE;
  if (isComplete && knowsDecisions) return { arms, logging: 'decisions' };
  return { arms, logging: candidateVersion !== undefined && arms.some(({ version }) => version === candidateVersion) ? 'version' : 'unknown' };
}

/** One answer of the past, as far as its weight goes. */
export interface Logged {
  readonly version: string;
  readonly propensity: number | undefined;
  /** What was done; `undefined` where the version takes no decisions: then doing the same is being the same version. */
  readonly decision: boolean | undefined;
}

/**
 * Weight of an answer in the estimate of what the candidate would have earned: 1 over the chance of what was done where the candidate would have done it,
 * 0 where not.
 *
 * Several arms may decide alike. The chance of a decision is then the sum of theirs; to take that of the version alone would count what all agree on
 * twice. Where the others' decisions are not known the version itself is taken for what was done: right as well, and less sure.
 *
 * @param decisionOf how another arm would have decided the same request; `undefined` if it cannot be asked
 * @returns `undefined` where the chance is not known
 */
export function weightOf(logged: Logged, { arms, logging }: Stratum, candidate: { readonly version: string | undefined; readonly decision: boolean | undefined }, decisionOf: (version: string) => boolean | undefined): number | undefined {
  const does = logged.decision === undefined || candidate.decision === undefined ? logged.version === candidate.version : logged.decision === candidate.decision;
  if (logged.propensity === undefined) return does ? 1 : 0;
  const isByVersion = logging === 'version' || logged.decision === undefined || candidate.decision === undefined;
  if (isByVersion) return does && logged.version === candidate.version ? 1 / logged.propensity : 0;
  if (logging === 'unknown') return undefined;
  if (!does) return 0;
  const others = arms.filter(({ version, propensity }) => version !== logged.version && propensity !== undefined);
  const decisions = others.map(({ version, propensity }) => ({ propensity: propensity!, decision: decisionOf(version) }));
  if (decisions.some(({ decision }) => decision === undefined)) return undefined;
  return 1 / decisionPropensity(logged.propensity, decisions.map(({ propensity, decision }) => ({ propensity, decidesAlike: decision === logged.decision })));
}

/**
 * Whether what the candidate would have done could have been done at all. Counted, not taken from the weights: where it had no chance no weight makes up for it,
 * and a few requests of that kind move an estimate further than its interval reaches.
 */
export function hadChance(logged: Logged, { arms, logging }: Stratum, candidate: { readonly version: string | undefined; readonly decision: boolean | undefined }, decisionOf: (version: string) => boolean | undefined): boolean {
  const decides = logged.decision !== undefined && candidate.decision !== undefined;
  if (decides ? logged.decision === candidate.decision : logged.version === candidate.version) return true;
  if (logged.propensity === undefined) return false;
  const others = arms.filter(({ version, propensity }) => version !== logged.version && propensity !== undefined);
  return others.some(({ version }) => version === candidate.version || (decides && logging === 'decisions' && decisionOf(version) === candidate.decision));
}
