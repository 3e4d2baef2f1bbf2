/** Sizes up to which no distance is called significant, and by how much they grow until the next part of α is spent. */
const FIRST_SIZE = 10;
const GROWTH = 1.5;

/**
 * The Kolmogorov-Smirnov distance that two samples of one distribution, looked at again and again while they grow, ever exceed with probability α at most.
 *
 * The distance of growing samples is a reverse submartingale: so is exp(s·n·D²), and Doob's inequality bounds its maximum over all sizes from m on by
 * E exp(s·m·D²) / exp(s·m·x²) ≤ (1 + e·s/(2 − s)) · exp(−s·m·x²), by the tail P(D ≥ x) ≤ e·exp(−2mx²) of two samples (Dvoretzky, Kiefer and Wolfowitz, 1956;
 * for two samples Wei and Dudley, 2012), here with s = 2 − 1/(m·x²). Sizes m_k = 10 · 1.5ᵏ spend α/((k + 1)(k + 2)) each, α in all. The idea of both steps: Howard and Ramdas, Sequential
 * estimation of quantiles, 2022.
 *
 * @param effectiveSize nm/(n + m) of the two sample sizes
 * @returns 1, which no distance exceeds, for samples that are too small
 */
export function distanceSequence(effectiveSize: number, alpha: number): number {
  if (!(effectiveSize >= FIRST_SIZE)) return 1;
  const epoch = Math.floor(Math.log(effectiveSize / FIRST_SIZE) / Math.log(GROWTH));
  const size = FIRST_SIZE * GROWTH ** epoch;
  const spent = Math.log(alpha / ((epoch + 1) * (epoch + 2)));
  let low = 1;
  let high = 2;
  while (logTail(high) > spent) high *= 2;
  for (let round = 0; round < 60; round++) {
    const middle = (low + high) / 2;
    if (logTail(middle) > spent) low = middle;
    else high = middle;
  }
  return Math.min(1, Math.sqrt(high / size));
}

/** ln of the bound, at y = m·x² ≥ 1. */
const logTail = (y: number): number => Math.log1p(Math.E * (2 * y - 1)) - 2 * y + 1;
