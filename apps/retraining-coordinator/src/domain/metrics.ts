/**
 * Area under the ROC curve: the probability that a positive scores above a negative, ties counting half (Mann-Whitney U divided by the
 * number of pairs; Hanley and McNeil, 1982). NaN when a class is absent.
 */
export function areaUnderCurve(scores: readonly number[], labels: readonly number[]): number {
  const order = scores.map((_, index) => index).sort((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  let rankSum = 0;
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && scores[order[end]!] === scores[order[start]!]) end += 1;
    // Ranks count from 1; equal scores share the mean of theirs.
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i += 1) {
      if (labels[order[i]!] !== 1) continue;
      positives += 1;
      rankSum += rank;
    }
    start = end;
  }
  const negatives = order.length - positives;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Keeps a probability of 0 or 1 that turns out wrong from outweighing everything else. */
const PROBABILITY_FLOOR = 1e-7;

/** Both sides of a comparison are measured by this: `auc`, `logLoss` (nats), `brier`, `accuracy` at the threshold, `rows`, `positives`. */
export function binaryMetrics(scores: readonly number[], labels: readonly number[], threshold: number): Record<string, number> {
  let logLoss = 0;
  let squares = 0;
  let right = 0;
  let positives = 0;
  scores.forEach((score, row) => {
    const label = labels[row]!;
    const probability = Math.min(1 - PROBABILITY_FLOOR, Math.max(PROBABILITY_FLOOR, score));
    logLoss -= label === 1 ? Math.log(probability) : Math.log(1 - probability);
    squares += (score - label) ** 2;
    right += (score >= threshold ? 1 : 0) === label ? 1 : 0;
    positives += label;
  });
  const rows = scores.length;
  return { auc: areaUnderCurve(scores, labels), logLoss: logLoss / rows, brier: squares / rows, accuracy: right / rows, rows, positives };
}
