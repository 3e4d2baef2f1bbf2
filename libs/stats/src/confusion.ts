/** Counts of a binary classifier's decisions. */
export interface Confusion {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly trueNegatives: number;
  readonly falseNegatives: number;
}

/** Counts decisions `score >= threshold` against what happened. */
export function confusionOf(scores: ArrayLike<number>, labels: ArrayLike<boolean | number>, threshold: number): Confusion {
  const counts = { truePositives: 0, falsePositives: 0, trueNegatives: 0, falseNegatives: 0 };
  for (let index = 0; index < scores.length; index++) {
    const said = scores[index]! >= threshold;
    if (labels[index]) counts[said ? 'truePositives' : 'falseNegatives'] += 1;
    else counts[said ? 'falsePositives' : 'trueNegatives'] += 1;
  }
  return counts;
}

/** Share of right decisions; NaN without any. With rare positives always saying no scores high: see `matthewsCorrelation`. */
export function accuracy({ truePositives, falsePositives, trueNegatives, falseNegatives }: Confusion): number {
  return (truePositives + trueNegatives) / (truePositives + falsePositives + trueNegatives + falseNegatives);
}

/**
 * Matthews correlation coefficient, in [−1, 1]: (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)); 0 for a constant classifier (as scikit-learn
 * has it), whatever the balance of the classes. Matthews, 1975.
 */
export function matthewsCorrelation({ truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn }: Confusion): number {
  const product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
  return product === 0 ? 0 : (tp * tn - fp * fn) / Math.sqrt(product);
}
