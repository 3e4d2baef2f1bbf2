import { auc, binnedAuc, brierScore, logLoss } from '@throughline/stats';

export interface QualityReport {
  readonly count: number;
  /** Share of positive outcomes. */
  readonly baseRate: number;
  /** NaN while a class is absent. */
  readonly auc: number;
  /** Mean squared error of the probability. */
  readonly brier: number;
  /** The same for always saying the base rate: what a model must beat. */
  readonly baseBrier: number;
}

/** Of probabilities and labels that are all there; `logLoss` in nats. */
export function qualityOf(scores: ArrayLike<number>, labels: Uint8Array): QualityReport & { readonly logLoss: number } {
  const count = scores.length;
  const baseRate = labels.reduce((sum, label) => sum + label, 0) / count;
  return { count, baseRate, auc: auc(scores, labels), brier: brierScore(scores, labels), baseBrier: baseRate * (1 - baseRate), logLoss: logLoss(scores, labels) };
}

/** Bins of the score, for an AUC of any number of outcomes in bounded memory; so fine that what it loses shows in no printed digit. */
const BINS = 10_000;

/** Of outcomes as they come in. */
export class LiveQuality {
  private readonly positives = new Array<number>(BINS).fill(0);
  private readonly negatives = new Array<number>(BINS).fill(0);
  private count = 0;
  private positiveCount = 0;
  private squares = 0;

  add(score: number, isPositive: boolean): void {
    const bin = Math.min(BINS - 1, Math.max(0, Math.floor(score * BINS)));
    (isPositive ? this.positives : this.negatives)[bin]! += 1;
    this.count += 1;
    this.positiveCount += Number(isPositive);
    this.squares += (score - Number(isPositive)) ** 2;
  }

  report(): QualityReport {
    const baseRate = this.positiveCount / this.count;
    return { count: this.count, baseRate, auc: binnedAuc(this.positives, this.negatives), brier: this.squares / this.count, baseBrier: baseRate * (1 - baseRate) };
  }
}
