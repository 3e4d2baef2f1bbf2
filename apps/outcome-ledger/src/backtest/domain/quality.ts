/** How well scores met outcomes. Of nothing known everything is null. */
export interface Quality {
  readonly labelled: number;
  /** Share of right decisions. */
  readonly accuracy: number | null;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
  /** Mean squared distance of score and outcome (of 1 and 0 for decisions: Brier's score). */
  readonly meanSquaredError: number | null;
  readonly meanAbsoluteError: number | null;
  /** Of probabilities, from a histogram of 1,000 bins, ties within a bin counting half. */
  readonly auc: number | null;
}

const BINS = 1_000;

/** Collects scores and outcomes in memory that does not grow with them. */
export class QualitySums {
  private labelled = 0;
  private readonly cells = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
  private squared = 0;
  private absolute = 0;
  private readonly positives = new Float64Array(BINS + 1);
  private readonly negatives = new Float64Array(BINS + 1);
  private areProbabilities = true;

  /** @param target the outcome as a number: 1 or 0 of decisions */
  add(score: number, decision: boolean | undefined, target: number, isPositive: boolean | undefined): void {
    this.labelled++;
    this.squared += (score - target) ** 2;
    this.absolute += Math.abs(score - target);
    if (isPositive === undefined) return;
    if (decision !== undefined) this.cells[decision ? (isPositive ? 'truePositives' : 'falsePositives') : isPositive ? 'falseNegatives' : 'trueNegatives']++;
    this.areProbabilities &&= score >= 0 && score <= 1;
    if (this.areProbabilities) (isPositive ? this.positives : this.negatives)[Math.floor(score * BINS)]!++;
  }

  quality(): Quality {
    const { truePositives, falsePositives, trueNegatives, falseNegatives } = this.cells;
    const decided = truePositives + falsePositives + trueNegatives + falseNegatives;
    return {
      labelled: this.labelled, ...this.cells, accuracy: decided === 0 ? null : (truePositives + trueNegatives) / decided,
      meanSquaredError: this.labelled === 0 ? null : this.squared / this.labelled, meanAbsoluteError: this.labelled === 0 ? null : this.absolute / this.labelled, auc: this.auc(),
    };
  }

  /** P(a positive scores above a negative) + ½ P(the same bin). Mann and Whitney, 1947. */
  private auc(): number | null {
    let [below, pairs, positives] = [0, 0, 0];
    for (let bin = 0; bin <= BINS; bin++) {
      pairs += this.positives[bin]! * (below + this.negatives[bin]! / 2);
      below += this.negatives[bin]!;
      positives += this.positives[bin]!;
    }
    return this.areProbabilities && positives > 0 && below > 0 ? pairs / (positives * below) : null;
  }
}
