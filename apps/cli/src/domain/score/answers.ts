import type { PredictionRejected, PredictionScored } from '@throughline/contracts';

/** What came of a row, as the job's folder keeps it: one line a row, in the order of the rows. */
export type RowAnswer =
  | { readonly predictionId: string; readonly outputs: Readonly<Record<string, readonly unknown[]>>; readonly score?: number; readonly version: string; readonly fallback?: string }
  | { readonly predictionId?: string; readonly rejected: Rejected };

export interface Rejected {
  readonly code: string;
  readonly reason: string;
  readonly cure: string;
}

export const ofScored = ({ predictionId, outputs, score, version, fallback }: PredictionScored): RowAnswer => ({
  predictionId, outputs, version, ...(score === undefined ? {} : { score }), ...(fallback === undefined ? {} : { fallback: fallback.kind }),
});

export const ofRejected = ({ predictionId, code, reason, cure }: PredictionRejected): RowAnswer => ({ predictionId, rejected: { code, reason, cure } });

/** What came of the rows so far, in numbers, and which outputs there were. */
export interface Tally {
  readonly scored: number;
  /** Of the scored ones, by kind. */
  readonly fallbacks: Readonly<Record<string, number>>;
  /** By code. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Names of outputs; true when one had other than one value. */
  readonly outputs: Readonly<Record<string, boolean>>;
}

export const NO_TALLY: Tally = { scored: 0, fallbacks: {}, rejected: {}, outputs: {} };

/** Counts answers as they are released; changes in place, because it happens for every row. */
export class TallyKeeper {
  private scored: number;
  private readonly fallbacks: Record<string, number>;
  private readonly rejected: Record<string, number>;
  private readonly outputs: Record<string, boolean>;

  constructor(start: Tally) {
    this.scored = start.scored;
    this.fallbacks = { ...start.fallbacks };
    this.rejected = { ...start.rejected };
    this.outputs = { ...start.outputs };
  }

  count(answer: RowAnswer): void {
    if ('rejected' in answer) {
      const { code } = answer.rejected;
      this.rejected[code] = (this.rejected[code] ?? 0) + 1;
      return;
    }
    this.scored += 1;
    if (answer.fallback !== undefined) this.fallbacks[answer.fallback] = (this.fallbacks[answer.fallback] ?? 0) + 1;
    for (const name in answer.outputs) if (this.outputs[name] !== true) this.outputs[name] = answer.outputs[name]!.length !== 1;
  }

  get tally(): Tally {
    return { scored: this.scored, fallbacks: { ...this.fallbacks }, rejected: { ...this.rejected }, outputs: { ...this.outputs } };
  }
}

export const rejectedOf = ({ rejected }: Tally): number => Object.values(rejected).reduce((sum, count) => sum + count, 0);
