import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { RolloutPlan, STRATEGIES } from '@throughline/contracts';
import type { RolloutEvent, StoredRollout } from '../store/rollouts.js';
import type { Verdict } from '../domain/verdict.js';

const STATUSES = ['warming', 'running', 'paused', 'promoted', 'finished', 'rolled_back', 'aborted'] as const;
const PLAN = RolloutPlan.properties;

export class SamplesResource {
  @ApiProperty({ example: 1200 }) candidate!: number;
  @ApiProperty({ example: 4800 }) champion!: number;
}

export class VerdictResource {
  @ApiProperty({ example: 'error_rate' }) guard!: string;
  @ApiPropertyOptional({ example: 'hubs' }) segment?: string | undefined;
  @ApiProperty({ enum: ['ok', 'breached', 'insufficient_data'], example: 'ok' }) state!: string;
  @ApiPropertyOptional({ example: 0.004 }) candidate?: number | undefined;
  @ApiPropertyOptional({ example: 0.003 }) champion?: number | undefined;
  @ApiPropertyOptional({ example: 0.001 }) difference?: number | undefined;
  @ApiPropertyOptional({ example: -0.004, description: 'of the interval of the difference, valid at every look' }) low?: number | undefined;
  @ApiPropertyOptional({ example: 0.006 }) high?: number | undefined;
  @ApiProperty({ example: 0.01 }) limit!: number;
  @ApiProperty({ type: SamplesResource }) samples!: SamplesResource;
  @ApiProperty({ example: 'The error rate differs by 0.001 (-0.004 to 0.006), at most 0.01 is allowed.' }) says!: string;
}

export class ReachedStepResource {
  @ApiProperty({ example: 1, description: '0 is the warming' }) step!: number;
  @ApiProperty({ example: 12, description: 'of the deployment: events carry it' }) revision!: number;
  @ApiProperty({ example: '2026-11-21T12:00:00.000Z' }) startedAt!: string;
}

export class ProgressResource {
  @ApiProperty({ example: 620, description: 'answers of the candidate in this step' }) predictions!: number;
  @ApiProperty({ example: 35, description: 'joined outcomes of the candidate in this step' }) outcomes!: number;
  @ApiProperty({ type: [String], example: ['42 s', '380 predictions'], description: 'what the step still needs' }) missing!: string[];
  @ApiProperty({ type: [String], example: ['worker-2'], description: 'workers that do not have the candidate warm yet' }) waitingFor!: string[];
}

export class RolloutResource {
  @ApiProperty({ example: '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11' }) id!: string;
  @ApiProperty({ example: 'flight-delay' }) model!: string;
  @ApiProperty({ enum: STRATEGIES, example: 'canary' }) strategy!: string;
  @ApiProperty({ example: '3', description: 'version on trial' }) candidate!: string;
  @ApiProperty({ example: '2', description: 'version that was champion when it began' }) champion!: string;
  @ApiProperty({ enum: STATUSES, example: 'running' }) status!: string;
  @ApiProperty({ example: 1, description: '0 while the candidate is being warmed; n is the n-th of steps' }) step!: number;
  @ApiProperty({ example: 0.05, description: 'of the traffic that the candidate answers now' }) share!: number;
  @ApiProperty({ ...(PLAN.steps as object), type: 'array', items: PLAN.steps.items as never, required: true }) steps!: unknown[];
  @ApiProperty({ ...(PLAN.guards as object), type: 'array', items: PLAN.guards.items as never, required: true }) guards!: unknown[];
  @ApiProperty({ ...(PLAN.segments as object), type: 'array', items: PLAN.segments.items as never, required: true }) segments!: unknown[];
  @ApiProperty({ example: 0.05 }) falseRollbackRate!: number;
  @ApiProperty({ example: 2 }) consecutiveBreaches!: number;
  @ApiProperty({ example: 5 }) evaluateEverySeconds!: number;
  @ApiPropertyOptional({ example: 86_400 }) endsAfterSeconds?: number | undefined;
  @ApiProperty({ enum: ['promote', 'promote_if_better', 'report'], example: 'promote' }) atEnd!: string;
  @ApiProperty({ example: false }) allowSignatureChange!: boolean;
  @ApiProperty({ example: 0, description: 'evaluations in a row that found a breach' }) breaches!: number;
  @ApiProperty({ example: 'ada@example.org' }) author!: string;
  @ApiPropertyOptional({ example: 'trained on May' }) reason?: string | undefined;
  @ApiProperty({ example: '2026-11-21T12:00:00.000Z' }) startedAt!: string;
  @ApiProperty({ example: '2026-11-21T12:05:00.000Z' }) stepStartedAt!: string;
  @ApiPropertyOptional({ example: '2026-11-21T13:00:00.000Z' }) endedAt?: string | undefined;
  @ApiPropertyOptional({ example: 'every step has its minimums and no guard is breached' }) conclusion?: string | undefined;
}

export class RolloutDetailResource extends RolloutResource {
  @ApiProperty({ type: [ReachedStepResource] }) reached!: ReachedStepResource[];
  @ApiProperty({ type: ProgressResource }) progress!: ProgressResource;
  @ApiProperty({ type: [VerdictResource], description: 'of the guards, by what has been counted until now' }) verdicts!: VerdictResource[];
}

export class RolloutEventResource {
  @ApiProperty({ example: '17' }) id!: string;
  @ApiProperty({ example: '2026-11-21T12:05:00.000Z' }) at!: string;
  @ApiProperty({ example: 'rollout', description: 'who did it; “rollout” for what it did by itself' }) actor!: string;
  @ApiProperty({ example: 'advanced' }) kind!: string;
  @ApiProperty({ example: 2 }) step!: number;
  @ApiProperty({ example: 13, description: 'of the deployment, then' }) revision!: number;
  @ApiPropertyOptional({ example: 'step 1 has its minimums and no guard is breached' }) reason?: string | undefined;
  @ApiPropertyOptional({ type: [VerdictResource] }) verdicts?: VerdictResource[] | undefined;
  @ApiProperty({ description: 'whether the evidence was kept, so that the verdict can be found again' }) hasEvidence!: boolean;
}

export class ReplayResource {
  @ApiProperty({ description: 'whether the guards say the same of the evidence that was kept' }) same!: boolean;
  @ApiProperty({ type: [VerdictResource], description: 'as they were recorded' }) recorded!: VerdictResource[];
  @ApiProperty({ type: [VerdictResource], description: 'as they are found now' }) replayed!: VerdictResource[];
  @ApiProperty({ type: 'object', additionalProperties: true, description: 'what was counted when the verdict fell' }) evidence!: object;
}

export class RollbackResource {
  @ApiProperty({ example: '2', description: 'version that serves now' }) champion!: string;
  @ApiPropertyOptional({ example: '3f0e6c8e-3b0a-4f64-9a57-0a4f7a1d2b11', description: 'the rollout that was aborted, if one ran' }) rollout?: string | undefined;
}

/** Of the traffic that the candidate answers. */
export function shareOf({ status, step, spec }: Pick<StoredRollout, 'status' | 'step' | 'spec'>): number {
  if (status === 'promoted') return 1;
  return status === 'running' || status === 'paused' ? (spec.steps[step - 1]?.share ?? 0) : 0;
}

export const toRollout = (rollout: StoredRollout): RolloutResource => {
  const { spec } = rollout;
  return {
    id: rollout.id, model: rollout.model, strategy: spec.strategy, candidate: String(spec.candidate), champion: String(rollout.champion), status: rollout.status, step: rollout.step, share: shareOf(rollout),
    steps: [...spec.steps], guards: [...spec.guards], segments: [...spec.segments], falseRollbackRate: spec.falseRollbackRate, consecutiveBreaches: spec.consecutiveBreaches,
    evaluateEverySeconds: spec.evaluateEverySeconds, endsAfterSeconds: spec.endsAfterSeconds, atEnd: spec.atEnd, allowSignatureChange: spec.allowSignatureChange, breaches: rollout.breaches,
    author: rollout.author, reason: rollout.reason, startedAt: iso(rollout.startedAtMs), stepStartedAt: iso(rollout.stepStartedAtMs),
    endedAt: rollout.endedAtMs === undefined ? undefined : iso(rollout.endedAtMs), conclusion: rollout.conclusion,
  };
};

export const toVerdict = (verdict: Verdict): VerdictResource => ({ ...verdict });

export const toEvent = ({ at, verdicts, ...event }: RolloutEvent): RolloutEventResource => ({ ...event, at: at.toISOString(), verdicts: verdicts?.map(toVerdict) });

const iso = (ms: number): string => new Date(ms).toISOString();
