import type { LatencyBudget, ModelDeployment, RolloutRef } from '@throughline/contracts';

/** Who serves a model, as one revision of its deployment said. */
export interface AssignmentContent {
  readonly champion?: string | undefined;
  readonly challengers: readonly { readonly version: string; readonly share: number }[];
  readonly shadows: readonly string[];
  readonly standbys: readonly string[];
  readonly splitSalt?: string | undefined;
  readonly rollout?: RolloutRef | undefined;
  readonly latencyBudgetMs?: LatencyBudget | undefined;
  readonly fallbacks: readonly { readonly kind: string; readonly version?: string | undefined }[];
  /** What else holds for the model, as it was written: only compared, never read. */
  readonly policy: Readonly<Partial<Record<PolicyPart, unknown>>>;
}

export const POLICY_PARTS = ['outcome', 'monitoring', 'privacy', 'batching', 'breaker', 'requestTopics'] as const;
export type PolicyPart = (typeof POLICY_PARTS)[number];

export interface Assignment extends AssignmentContent {
  readonly revision: number;
  readonly decidedAtMs: number;
  /** Absent until the registry has said so. */
  readonly author?: string | undefined;
  readonly reason?: string | undefined;
}

/** What a deployment event says of it; who decided it is not in there. */
export function contentOfDeployment(deployment: ModelDeployment): AssignmentContent {
  const { champion, challengers, shadows, standbys = [], splitSalt, rollout, latencyBudgetMs, fallbacks = [] } = deployment;
  return {
    champion: champion?.version, challengers: challengers.map(({ version, share }) => ({ version, share: share ?? 0 })), shadows: shadows.map(({ version }) => version),
    standbys: standbys.map(({ version }) => version), splitSalt, rollout, latencyBudgetMs,
    fallbacks: fallbacks.map((fallback) => ({ kind: fallback.kind, ...('served' in fallback ? { version: fallback.served.version } : {}) })), policy: policyOf(deployment),
  };
}

/** One line of the registry's history of a deployment, as far as it is read here. */
export interface HistoryLine extends Partial<Record<PolicyPart, unknown>> {
  readonly revision: number;
  readonly champion?: string;
  readonly challengers: readonly { readonly version: string; readonly share: number }[];
  readonly shadows: readonly string[];
  readonly standbys?: readonly (string | number)[];
  readonly splitSalt?: string;
  readonly rollout?: RolloutRef;
  readonly latencyBudgetMs?: LatencyBudget;
  readonly fallbacks?: readonly { readonly kind: string; readonly version?: string | number }[];
  readonly author: string;
  readonly reason?: string | null;
  readonly decidedAt: string;
}

export function assignmentOfLine(line: HistoryLine): Assignment {
  const { revision, champion, challengers, shadows, standbys = [], splitSalt, rollout, latencyBudgetMs, fallbacks = [], author, reason, decidedAt } = line;
  return {
    revision, decidedAtMs: Date.parse(decidedAt), author, reason: reason ?? undefined, champion, challengers, shadows, standbys: standbys.map(String), splitSalt, rollout, latencyBudgetMs,
    fallbacks: fallbacks.map(({ kind, version }) => ({ kind, ...(version === undefined ? {} : { version: String(version) }) })), policy: policyOf(line),
  };
}

const policyOf = (source: Partial<Record<PolicyPart, unknown>>): AssignmentContent['policy'] => Object.fromEntries(POLICY_PARTS.flatMap((part) => (source[part] === undefined ? [] : [[part, source[part]]])));
