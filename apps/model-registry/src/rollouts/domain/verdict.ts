import type { GuardKind } from './spec.js';

/** What a guard found in the evidence. */
export interface Verdict {
  readonly guard: GuardKind;
  /** Of a segment, its name. */
  readonly segment?: string | undefined;
  readonly state: 'ok' | 'breached' | 'insufficient_data';
  /** The candidate's figure, the champion's, and how far they may be apart; in the unit of the guard. */
  readonly candidate?: number | undefined;
  readonly champion?: number | undefined;
  readonly difference?: number | undefined;
  /** Confidence interval of the difference, valid at every look. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly limit: number;
  readonly samples: { readonly candidate: number; readonly champion: number };
  /** One sentence for a person. */
  readonly says: string;
}

/** How a candidate's figure compares with the champion's on one measure; `low` and `high` are always valid, `fixedLow` and `fixedHigh` only at a horizon fixed beforehand. */
export interface Comparison {
  readonly difference: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  readonly fixedLow: number;
  readonly fixedHigh: number;
  readonly candidate: number;
  readonly champion: number;
  readonly samples: { readonly candidate: number; readonly champion: number };
}
