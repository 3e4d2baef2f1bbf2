import { logBeta } from '../special.js';
import type { Interval } from './normal-mixture.js';

/** What a share is thought to be before it is seen, and how many samples that thought is worth. */
export interface ShareGuess {
  readonly share: number;
  readonly weight: number;
}

/**
 * Bounds of a share, each of which holds at every look with probability 1 − α; exact, also for rare events and few samples.
 *
 * Mixing the likelihood ratios of a binomial share p against all others over a Beta(a, b) gives the martingale B(a + k, b + n − k) / (B(a, b) pᵏ (1 − p)ⁿ⁻ᵏ); shares at which
 * it exceeds 1/α are out (Ville, 1939; Robbins, 1970). The guess makes bounds tighter where it is right, never invalid where it is wrong.
 *
 * @param successes may be fractional, when samples are worth less than one each
 */
export function shareSequence(successes: number, samples: number, alpha: number, guess: ShareGuess): Interval {
  if (!(samples > 0)) return { low: 0, high: 1 };
  const [a, b] = [guess.share * guess.weight, (1 - guess.share) * guess.weight];
  const evidence = logBeta(a + successes, b + samples - successes) - logBeta(a, b) + Math.log(alpha);
  const excluded = (p: number): boolean => evidence > logPower(p, successes) + logPower(1 - p, samples - successes);
  const observed = successes / samples;
  return { low: edge(0, observed, excluded), high: edge(1, observed, excluded) };
}

/** x ln p, and 0 for no sample. */
const logPower = (p: number, count: number): number => (count === 0 ? 0 : count * Math.log(p));

/** Between an excluded end and the observed share, where exclusion ends. */
function edge(end: number, observed: number, excluded: (p: number) => boolean): number {
  let [out, inside] = [end, observed];
  if (!excluded(out)) return out;
  for (let round = 0; round < 200; round++) {
    const middle = (out + inside) / 2;
    if (middle === out || middle === inside) break;
    if (excluded(middle)) out = middle;
    else inside = middle;
  }
  return inside;
}
