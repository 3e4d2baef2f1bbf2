import { observableGauge, METRICS, type Logger } from '@throughline/telemetry';
import { Rounds } from '@throughline/http';
import type { Evidence } from './domain/evidence.js';
import { decide, isEvaluationDue, type Decision, type Observation, type Warmth } from './domain/rollout.js';
import type { RolloutSpec } from './domain/spec.js';
import type { Verdict } from './domain/verdict.js';
import type { StepTotals } from './evidence/evidence-store.js';
import type { Rollouts } from './rollouts.js';
import type { RolloutStore, StoredRollout } from './store/rollouts.js';

/** What has been counted, and how far. */
export interface EvidenceSource {
  totals(rolloutId: string): Promise<readonly StepTotals[]>;
  read(rolloutId: string): Promise<Evidence>;
  /** True once all has been counted that was published when it was asked first, or first after the last true. */
  isCaughtUp(rolloutId: string): Promise<boolean>;
  forget(rolloutId: string): void;
}

export interface RunnerOptions {
  readonly rollouts: Pick<Rollouts, 'carryOut'>;
  readonly store: Pick<RolloutStore, 'allActive' | 'steps'>;
  readonly evidence: EvidenceSource;
  readonly warmthOf: (model: string, version: string, revision: number) => Warmth;
  readonly judge: (spec: RolloutSpec, evidence: Evidence) => readonly Verdict[];
  /** Whether the candidate's outcomes are better than the champion's, beyond doubt. */
  readonly isBetter: (spec: RolloutSpec, evidence: Evidence) => boolean;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

const LOOK_MS = 500;
const NOTHING = { answers: 0, outcomes: 0 };

/**
 * Looks at every rollout under way, decides and has it done. Several registries may run one each: what two decide of the same state happens once.
 */
export class RolloutRunner {
  private rounds: Rounds | undefined;
  private active: readonly StoredRollout[] = [];
  private stopGauge: (() => void) | undefined;

  constructor(private readonly use: RunnerOptions) {}

  start(): void {
    this.stopGauge = observableGauge(METRICS.rolloutsActive, () => this.active.map(({ model, step, spec }) => ({ value: step, labels: { model, strategy: spec.strategy } })));
    this.rounds = new Rounds(() => this.pauseMs(), () => this.look(), (error) => this.use.logger.warn({ err: error }, 'looking at the rollouts failed'));
  }

  async stop(): Promise<void> {
    this.stopGauge?.();
    await this.rounds?.stop();
  }

  /** Who asks for more verdicts a second than looks gets more looks. */
  private pauseMs(): number {
    return Math.min(LOOK_MS, ...this.active.map(({ spec }) => spec.evaluateEverySeconds * 1000));
  }

  private async look(): Promise<void> {
    const before = this.active;
    this.active = await this.use.store.allActive();
    for (const { id } of before) if (!this.active.some((rollout) => rollout.id === id)) this.use.evidence.forget(id);
    for (const rollout of this.active) {
      await this.lookAt(rollout).catch((error: unknown) => this.use.logger.warn({ err: error, model: rollout.model, rollout: rollout.id }, 'looking at a rollout failed; it stays as it is until it can be looked at'));
    }
  }

  private async lookAt(rollout: StoredRollout): Promise<void> {
    const nowMs = this.use.nowMs();
    const seen = await this.observe(rollout, nowMs);
    const isDue = isEvaluationDue(rollout, seen.samples, nowMs);
    const first = decide(rollout, seen);
    // Nothing moves on before the guards have seen all that was counted until now.
    if (!isDue && !movesOn(first)) return this.carryOut(rollout, first, {}, nowMs);
    const evidence = await this.use.evidence.read(rollout.id);
    const verdicts = rollout.step === 0 ? undefined : this.use.judge(rollout.spec, evidence);
    const decision = decide(rollout, { ...seen, verdicts, isBetter: this.use.isBetter(rollout.spec, evidence) });
    await this.carryOut(rollout, decision, { verdicts, evidence, samples: seen.samples }, nowMs);
  }

  private async carryOut(rollout: StoredRollout, decision: Decision, grounds: { verdicts?: readonly Verdict[] | undefined; evidence?: Evidence; samples?: number }, nowMs: number): Promise<void> {
    if (decision.kind === 'none') return;
    await this.use.rollouts.carryOut(rollout, decision, grounds, new Date(nowMs));
    if (decision.kind === 'judged') return;
    const { id, model, spec: { strategy, candidate }, step } = rollout;
    this.use.logger.info({ model, rollout: id, strategy, candidate, step, decision: decision.kind }, `rollout: ${decision.reason}`);
  }

  private async observe(rollout: StoredRollout, nowMs: number): Promise<Observation> {
    const { id, model, step, spec } = rollout;
    const steps = await this.use.store.steps(id);
    const revision = steps.find((one) => one.step === step)?.revision ?? 0;
    const totals = await this.use.evidence.totals(id);
    const here = totals.find((one) => one.step === step);
    const { answers: predictions, outcomes } = here?.candidate ?? NOTHING;
    return {
      nowMs, predictions, outcomes, championAnswers: here?.champion.answers ?? 0,
      warmth: this.use.warmthOf(model, String(spec.candidate), revision),
      samples: totals.reduce((sum, { champion, candidate }) => sum + champion.answers + champion.outcomes + candidate.answers + candidate.outcomes, 0),
      verdicts: undefined, isBetter: false,
      isCaughtUp: await this.use.evidence.isCaughtUp(id),
    };
  }
}

const movesOn = ({ kind }: Decision): boolean => kind === 'advance' || kind === 'promote' || kind === 'finish';
