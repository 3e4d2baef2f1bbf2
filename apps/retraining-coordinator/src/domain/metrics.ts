import { auc, brierScore, expectedCalibrationError, logLoss } from '@throughline/stats';

/**
 * What both sides of a comparison are measured by. `logLoss` in nats, `calibrationError` as expected over ten bins of equal mass,
 * `accuracy` when a score at or above the threshold is a positive decision.
 */
export function binaryMetrics(scores: readonly number[], labels: readonly number[], threshold: number): Record<string, number> {
  const right = scores.filter((score, row) => (score >= threshold ? 1 : 0) === labels[row]).length;
  return {
    auc: auc(scores, labels), logLoss: logLoss(scores, labels), brier: brierScore(scores, labels), calibrationError: expectedCalibrationError(scores, labels),
    accuracy: right / scores.length, rows: scores.length, positives: labels.reduce((sum, label) => sum + label, 0),
  };
}
