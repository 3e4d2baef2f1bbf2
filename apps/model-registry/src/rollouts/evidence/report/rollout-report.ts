import type { StoredRollout } from '../../store/rollouts.js';
import type { Evidence } from '../../domain/evidence.js';
import type { RolloutSpec } from '../../domain/spec.js';
import { compare } from '../../guards/compare.js';
import type { Disagreement } from '../additions.js';
import { drawnMeasure, type Point } from './points.js';
import { figuresOf, type ReportFigures, type StepFigures } from './report.js';

export interface ReportedStep extends StepFigures {
  readonly revision: number;
  /** Of the traffic that the candidate answered; 0 while it was warmed and of a shadow. */
  readonly share: number;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
}

/** How the outcome difference developed; intervals that hold at every look. */
export interface Development {
  readonly measure: string;
  /** What a guard allows, on the side where it breaches. */
  readonly limit: number | undefined;
  readonly points: readonly Point[];
}

/** All that a rollout has shown. Times are RFC 3339. */
export interface RolloutReport extends Omit<ReportFigures, 'steps'> {
  readonly id: string;
  readonly model: string;
  readonly strategy: string;
  readonly champion: string;
  readonly candidate: string;
  readonly status: string;
  readonly author: string;
  readonly reason: string | undefined;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly conclusion: string | undefined;
  readonly generatedAt: string;
  readonly steps: readonly ReportedStep[];
  readonly development: Development;
  /** Largest difference of scores first. */
  readonly disagreements: readonly Omit<Disagreement, 'rolloutId'>[];
}

export interface ReportSources {
  readonly rollout: StoredRollout;
  readonly reached: readonly { readonly step: number; readonly revision: number; readonly startedAt: Date }[];
  readonly evidence: Evidence;
  readonly points: readonly Point[];
  readonly disagreements: readonly Disagreement[];
}

export function toReport({ rollout, reached, evidence, points, disagreements }: ReportSources, now: Date): RolloutReport {
  const { spec } = rollout;
  const { steps, ...figures } = figuresOf(spec, evidence);
  const endedAt = rollout.endedAtMs === undefined ? undefined : new Date(rollout.endedAtMs).toISOString();
  return {
    id: rollout.id, model: rollout.model, strategy: spec.strategy, champion: String(rollout.champion), candidate: String(spec.candidate), status: rollout.status, author: rollout.author,
    reason: rollout.reason, startedAt: new Date(rollout.startedAtMs).toISOString(), endedAt, conclusion: rollout.conclusion, generatedAt: now.toISOString(),
    ...figures,
    steps: steps.map((step) => {
      const place = reached.findIndex((one) => one.step === step.step);
      return { ...step, revision: reached[place]!.revision, share: shareOf(spec, step.step), startedAt: reached[place]!.startedAt.toISOString(), endedAt: reached[place + 1]?.startedAt.toISOString() ?? endedAt };
    }),
    development: developmentOf(spec, evidence, points, now),
    disagreements: disagreements.map(({ rolloutId: _, ...one }) => one),
  };
}

/** Step 0 warms; the n-th step is `steps[n - 1]`, and a shadow answers nobody. */
function shareOf({ strategy, steps }: RolloutSpec, step: number): number {
  if (step === 0 || strategy === 'shadow') return 0;
  return strategy === 'blue_green' ? 1 : (steps[step - 1]?.share ?? 0);
}

function developmentOf(spec: RolloutSpec, evidence: Evidence, points: readonly Point[], now: Date): Development {
  const measure = drawnMeasure(spec);
  const found = compare(spec, evidence, measure);
  const outcomes = evidence.steps.reduce((sum, { arms }) => sum + arms.champion.outcomes + arms.candidate.outcomes, 0);
  const isNews = found !== undefined && Number.isFinite(found.low) && Number.isFinite(found.high) && outcomes > (points.at(-1)?.outcomes ?? 0);
  const last = isNews ? [{ at: now.toISOString(), outcomes, difference: found.difference, low: found.low, high: found.high }] : [];
  return { measure, limit: limitOf(spec, measure), points: [...points, ...last] };
}

function limitOf({ guards }: RolloutSpec, measure: string): number | undefined {
  for (const guard of guards) {
    if (guard.kind === 'business_value' && measure.startsWith('value')) return -guard.maxLossMicroUsd;
    if (guard.kind === 'quality' && (measure === guard.loss || measure === 'loss_difference')) return guard.maxIncrease;
  }
  return undefined;
}
