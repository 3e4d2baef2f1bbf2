/** Keeps the logarithm finite for a forecast that was certain and wrong. */
const CLIP = 1e-15;

const mean = (length: number, term: (index: number) => number): number => {
  let sum = 0;
  for (let index = 0; index < length; index++) sum += term(index);
  return length === 0 ? Number.NaN : sum / length;
};

/** Brier score: the mean of (p − y)²; 0 is perfect, always forecasting the base rate r gives r(1 − r). Brier, 1950. */
export function brierScore(probabilities: ArrayLike<number>, labels: ArrayLike<boolean | number>): number {
  return mean(probabilities.length, (index) => (probabilities[index]! - Number(labels[index])) ** 2);
}

/** Logarithmic loss: the mean of −ln of the probability given to what happened; natural logarithm, clipped at 1e-15. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<boolean | number>): number {
  return mean(probabilities.length, (index) => {
    const given = labels[index] ? probabilities[index]! : 1 - probabilities[index]!;
    return -Math.log(Math.min(1, Math.max(CLIP, given)));
  });
}

/**
 * Expected calibration error: Σ (n_b/n)·|ȳ_b − p̄_b| over bins of equal mass by forecast. Biased upwards in small samples: a perfect forecaster
 * stays below .091 in 95 % of samples of 300, .048 of 1,000, .015 of 10,000.
 */
export function expectedCalibrationError(probabilities: ArrayLike<number>, labels: ArrayLike<boolean | number>, bins = 10): number {
  const n = probabilities.length;
  if (n === 0) return Number.NaN;
  const order = Uint32Array.from({ length: n }, (_, index) => index).sort((a, b) => probabilities[a]! - probabilities[b]!);
  let error = 0;
  for (let bin = 0; bin < bins; bin++) {
    let gap = 0;
    for (let at = Math.floor((bin * n) / bins); at < Math.floor(((bin + 1) * n) / bins); at++) gap += Number(labels[order[at]!]) - probabilities[order[at]!]!;
    error += Math.abs(gap) / n;
  }
  return error;
}
