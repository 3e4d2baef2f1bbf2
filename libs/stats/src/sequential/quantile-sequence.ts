import { logBeta } from '../special.js';
import { orderedBins, type SparseHistogram } from './sparse-histogram.js';

export interface QuantileBounds {
  /** The quantile lies above this bin; undefined while that is not sure of any. */
  readonly above: number | undefined;
  /** The quantile lies in this bin or below; undefined while that is not sure of any. */
  readonly within: number | undefined;
}

/**
 * Bounds of a quantile from a histogram, each of which holds at every look with probability 1 − α: the bins at which the share beyond is surely more, or surely less, than 1 − level.
 * The share's martingale is that of `shareSequence`, its guess 1 − level, worth as many samples as hold one such event.
 *
 * @param samples as many independent values as the histogram is worth; its weights are scaled to them
 */
export function quantileSequence(histogram: SparseHistogram, level: number, samples: number, alpha: number): QuantileBounds {
  const bins = orderedBins(histogram);
  const scale = samples / bins.reduce((sum, [, weight]) => sum + weight, 0);
  const beyond = 1 - level;
  const [a, b] = [1, level / beyond];
  const logEvidence = (successes: number): number =>
    logBeta(a + successes, b + samples - successes) - logBeta(a, b) - successes * Math.log(beyond) - (samples - successes) * Math.log(level);
  const isSure = (successes: number): boolean => logEvidence(successes) > -Math.log(alpha);
  let [above, within]: [number | undefined, number | undefined] = [undefined, undefined];
  let successes = 0;
  for (const [bin, weight] of bins.toReversed()) {
    const share = successes / samples;
    if (share < beyond && isSure(successes)) within = bin;
    if (share > beyond && isSure(successes)) {
      above = bin;
      break;
    }
    successes = Math.min(samples, successes + weight * scale);
  }
  return { above, within };
}
