import type { RolloutRef } from '@throughline/contracts';
import type { Assignment } from './assignment.js';

/** What is known of an answer that bears on which version gave it. */
export interface Answering {
  readonly version: string;
  readonly role: string;
  readonly revision: number;
  readonly propensity: number | undefined;
  readonly fallback: { readonly kind: string; readonly reason: string; readonly insteadOf?: string | undefined } | undefined;
}

/** Why that version, and none of the others. */
export interface Why {
  readonly arm: 'champion' | 'challenger' | 'shadow' | 'pinned' | 'fallback' | 'unknown';
  /** In a sentence. */
  readonly explanation: string;
  /** Part of the traffic that the arm had, by its deployment. */
  readonly share?: number;
  /** Chance that such a request was answered by this version, as its worker knew it; a challenger that was not warm left its share to the champion. */
  readonly propensity: number;
  readonly rollout?: RolloutRef;
  /** Of the revision. */
  readonly decidedAt?: string;
  readonly decidedBy?: string;
  readonly reason?: string;
  /** Everything that shared the traffic in that revision. */
  readonly arms?: readonly { readonly version: string; readonly role: string; readonly share: number }[];
}

/** @param assignment of the answer's revision; `undefined` where neither the topic nor the registry has told of it */
export function whyThisVersion(answering: Answering, assignment: Assignment | undefined): Why {
  const { version, role, revision, fallback, propensity = 1 } = answering;
  const arm = fallback !== undefined ? ('fallback' as const) : armOf(role);
  if (assignment === undefined) return { arm, propensity, explanation: `${plainly(answering)}; revision ${revision} of the deployment is not known here` };
  const share = fallback !== undefined || role === 'pinned' || role === 'shadow' ? undefined : shareOf(version, role, assignment);
  return {
    arm, propensity, explanation: sentence(answering, assignment, share), ...(share === undefined ? {} : { share }), ...(assignment.rollout === undefined ? {} : { rollout: assignment.rollout }),
    decidedAt: new Date(assignment.decidedAtMs).toISOString(), ...(assignment.author === undefined ? {} : { decidedBy: assignment.author }), ...(assignment.reason === undefined ? {} : { reason: assignment.reason }),
    arms: armsOf(assignment),
  };
}

const ARMS = ['champion', 'challenger', 'shadow', 'pinned'] as const;
const armOf = (role: string): Why['arm'] => ARMS.find((arm) => arm === role) ?? 'unknown';

function plainly({ version, role, fallback }: Answering): string {
  if (fallback !== undefined) return `version ${version} stands for the answer of the fallback ${fallback.kind}, ${fallback.insteadOf === undefined ? '' : `which answered instead of version ${fallback.insteadOf}, `}because of ${fallback.reason}`;
  return role === 'pinned' ? `the request asked for version ${version} itself` : `version ${version} was asked as ${role}`;
}

function sentence(answering: Answering, assignment: Assignment, share: number | undefined): string {
  const { version, role, fallback } = answering;
  if (fallback !== undefined) return `${plainly(answering)}; ${assignment.champion === undefined ? 'there was no champion' : `version ${assignment.champion} was the champion`}${others(assignment)}`;
  if (role === 'pinned') return `the request asked for version ${version} itself; ${assignment.champion === undefined ? 'there was no champion' : `the champion was version ${assignment.champion}`}`;
  if (role === 'shadow') return `version ${version} was asked beside the one that answered${inRollout(assignment.rollout)}`;
  if (role === 'challenger') return `version ${version} had ${percent(share ?? 0)} of the traffic as challenger of version ${assignment.champion}${inRollout(assignment.rollout)}; the routing key fell into its share`;
  if (assignment.challengers.length === 0) return `version ${version} was the champion and had all of the traffic${inRollout(assignment.rollout)}`;
  return `version ${version} was the champion with ${percent(share ?? 1)} of the traffic, beside ${assignment.challengers.map((one) => `version ${one.version} with ${percent(one.share)}`).join(', ')}${inRollout(assignment.rollout)}`;
}

const others = ({ challengers, rollout }: Assignment): string => (challengers.length === 0 ? '' : `, beside ${challengers.map(({ version, share }) => `version ${version} with ${percent(share)}`).join(', ')}${inRollout(rollout)}`);

export const named = (strategy: string): string => strategy.replaceAll('_', '/');

export const inRollout = (rollout: RolloutRef | undefined): string =>
  rollout === undefined ? '' : `, in ${rollout.step === 0 ? 'the warming' : `step ${rollout.step}`} of the ${named(rollout.strategy)} of version ${rollout.candidate} (rollout ${rollout.id})`;

function shareOf(version: string, role: string, { challengers }: Assignment): number | undefined {
  if (role === 'challenger') return challengers.find((one) => one.version === version)?.share;
  return role === 'champion' ? rest(challengers) : undefined;
}

/** Decimal fractions do not add up exactly. */
const rest = (challengers: Assignment['challengers']): number => Math.max(0, Math.round((1 - challengers.reduce((sum, { share }) => sum + share, 0)) * 1e6) / 1e6);

const armsOf = ({ champion, challengers }: Assignment): NonNullable<Why['arms']> => [
  ...(champion === undefined ? [] : [{ version: champion, role: 'champion', share: rest(challengers) }]), ...challengers.map(({ version, share }) => ({ version, role: 'challenger', share })),
];

export const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;
