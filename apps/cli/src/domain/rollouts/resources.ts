/** What the registry says of rollouts, as far as this command shows it. */
export interface Verdict {
  readonly guard: string;
  readonly segment?: string;
  readonly state: string;
  readonly difference?: number;
  readonly low?: number;
  readonly high?: number;
  readonly limit: number;
  readonly samples: { readonly candidate: number; readonly champion: number };
  readonly says: string;
}

export interface Rollout {
  readonly id: string;
  readonly model: string;
  readonly strategy: string;
  readonly candidate: string;
  readonly champion: string;
  readonly status: string;
  /** 0 while the candidate is being warmed. */
  readonly step: number;
  readonly share: number;
  readonly steps: readonly { readonly share: number; readonly minSeconds: number; readonly minPredictions: number; readonly minOutcomes: number }[];
  readonly breaches: number;
  readonly consecutiveBreaches: number;
  readonly author: string;
  readonly reason?: string;
  readonly startedAt: string;
  readonly stepStartedAt: string;
  readonly endsAfterSeconds?: number;
  readonly endedAt?: string;
  readonly conclusion?: string;
}

export interface RolloutDetail extends Rollout {
  readonly progress: { readonly predictions: number; readonly outcomes: number; readonly missing: readonly string[]; readonly waitingFor: readonly string[] };
  readonly verdicts: readonly Verdict[];
}

interface Estimate {
  readonly value: number;
  readonly low?: number;
  readonly high?: number;
  readonly samples: number;
}

interface ArmFigures {
  readonly answers: number;
  readonly outcomes: number;
  readonly errorShare?: number;
  readonly fallbackShare?: number;
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
  readonly meanScore?: number;
}

export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

export interface Report {
  readonly model: string;
  readonly id: string;
  readonly strategy: string;
  readonly champion: string;
  readonly candidate: string;
  readonly status: string;
  readonly conclusion?: string;
  readonly arms: { readonly champion: ArmFigures; readonly candidate: ArmFigures };
  readonly verdicts: readonly Verdict[];
  readonly agreement?: Estimate;
  readonly scoreDifference?: { readonly comparisons: number; readonly histogram: readonly Bar[] };
  readonly outcomes: readonly { readonly measure: string; readonly segment?: string; readonly difference: number; readonly low: number; readonly high: number; readonly samples: { readonly candidate: number; readonly champion: number } }[];
  readonly disagreements: readonly { readonly predictionId: string; readonly championScore: number; readonly candidateScore: number; readonly difference: number }[];
}

export const isActive = ({ status }: Pick<Rollout, 'status'>): boolean => ['warming', 'running', 'paused'].includes(status);
