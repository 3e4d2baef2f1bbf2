/**
 * Area under the ROC curve: the chance that a random positive has a higher score than a random negative, ties counting half
 * (Mann-Whitney U / (n₁·n₀)). NaN when there is only one class.
 *
 * @param scores any real scores
 * @param labels true for positives, same length
 */
export function auc(scores: ArrayLike<number>, labels: ArrayLike<boolean | number>): number {
  const order = Uint32Array.from({ length: scores.length }, (_, index) => index).sort((a, b) => scores[a]! - scores[b]!);
  let rankSum = 0;
  let positives = 0;
  for (let start = 0; start < order.length; ) {
    let end = start;
    let positivesInTie = 0;
    for (; end < order.length && scores[order[end]!] === scores[order[start]!]; end++) if (labels[order[end]!]) positivesInTie += 1;
    // Ranks start+1 … end share their mean.
    rankSum += (positivesInTie * (start + 1 + end)) / 2;
    positives += positivesInTie;
    start = end;
  }
  const negatives = order.length - positives;
  return positives === 0 || negatives === 0 ? Number.NaN : (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** The same from counts in bins of ascending score: scores within a bin count as ties, so the error is at most half the mass of pairs that share one. */
export function binnedAuc(positives: readonly number[], negatives: readonly number[]): number {
  let negativesBelow = 0;
  let wins = 0;
  let positiveCount = 0;
  for (const [bin, count] of positives.entries()) {
    wins += count * (negativesBelow + negatives[bin]! / 2);
    negativesBelow += negatives[bin]!;
    positiveCount += count;
  }
  return positiveCount === 0 || negativesBelow === 0 ? Number.NaN : wins / (positiveCount * negativesBelow);
}

/** Standard error of an AUC. Hanley and McNeil, 1982. */
export function aucStandardError(area: number, positives: number, negatives: number): number {
  const q1 = area / (2 - area);
  const q2 = (2 * area ** 2) / (1 + area);
  return Math.sqrt((area * (1 - area) + (positives - 1) * (q1 - area ** 2) + (negatives - 1) * (q2 - area ** 2)) / (positives * negatives));
}
