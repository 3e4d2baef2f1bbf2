/** What the ledger tells of a prediction, as far as this command reads it. Times are RFC 3339. */
export interface Story {
  readonly predictionId: string;
  readonly state: string;
  readonly request?: {
    readonly source: string; readonly id: string; readonly lane: string; readonly team?: string; readonly routingKey?: string; readonly attempt: number;
    readonly entities?: Readonly<Record<string, string>>; readonly occurredAt: string; readonly requestedAt: string; readonly coordinates?: string;
  };
  readonly answer?: {
    readonly model: string; readonly version: string; readonly artifactSha256?: string; readonly role: string; readonly assignmentRevision: number; readonly score?: number;
    readonly threshold?: number; readonly decision?: boolean; readonly outputs: unknown; readonly answeredAt: string; readonly batchSize: number; readonly worker: string; readonly runtime?: string;
    readonly timingsMs?: Readonly<Record<string, number>> | null; readonly fallback?: { readonly kind: string; readonly reason: string; readonly insteadOf?: string };
  };
  readonly rejection?: { readonly code: string; readonly reason: string; readonly cure?: string; readonly model?: string; readonly version?: string; readonly answeredAt: string };
  readonly why?: { readonly explanation: string; readonly propensity: number; readonly decidedAt?: string; readonly decidedBy?: string; readonly reason?: string };
  readonly stages?: readonly Stage[];
  readonly values?: 'kept' | 'withheld' | 'erased' | 'expired';
  readonly erasedAt?: string;
  readonly features?: readonly { readonly name: string; readonly value: unknown; readonly view?: string; readonly entityRole?: string; readonly ageSeconds?: number; readonly defaulted?: boolean }[];
  readonly outcome?: {
    readonly value: unknown; readonly observed?: unknown; readonly assumed?: boolean; readonly source: string; readonly occurredAt: string; readonly delaySeconds: number; readonly error?: number; readonly correct?: boolean;
  } | null;
  readonly outcomes: readonly { readonly value: unknown; readonly source: string; readonly sequence: number; readonly occurredAt: string; readonly receivedAt: string; readonly holds: boolean }[];
  readonly money?: {
    readonly computeMicroUsd: number | null; readonly featuresMicroUsd: number; readonly storageMicroUsd: number; readonly totalMicroUsd: number; readonly valueMicroUsd: number | null; readonly netMicroUsd: number | null;
  };
  readonly shadows?: readonly { readonly version: string; readonly score: number | null }[];
  readonly since?: {
    readonly versionNow: string; readonly currentRevision?: number; readonly omitted: number;
    readonly changes: readonly { readonly at: string; readonly revision: number; readonly text: string; readonly by?: string; readonly reason?: string }[];
  };
  readonly trace?: { readonly traceId: string; readonly sampled: boolean | null } | null;
  readonly day?: string;
  readonly expiredAt?: string | null;
  readonly archive?: readonly string[];
}

export interface Stage {
  readonly stage: string;
  readonly ms: number;
  readonly budgetMs?: number;
  readonly isOver?: boolean;
}

/** What came of computing an answer again. */
export interface Recomputation {
  readonly predictionId: string;
  readonly status: string;
  readonly explanation: string;
  readonly runtime?: { readonly served: string | null; readonly here: string; readonly differs: boolean | null };
  readonly servedBatchSize?: number;
  readonly differenceCount?: number;
  readonly differences?: readonly { readonly output: string; readonly index: number; readonly stored: unknown; readonly recomputed: unknown; readonly difference?: number; readonly ulps?: number }[];
  readonly score?: { readonly stored: number | null; readonly recomputed: number | null };
}
