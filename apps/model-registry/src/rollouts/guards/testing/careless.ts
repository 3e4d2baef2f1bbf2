import { clusteredDifference, fixedHorizonInterval, oneSidedConfidenceSequences, type ClusteredDifference, type Clusters, type Stratum } from '@throughline/stats';

/** What guards would say if they did without one of their precautions: the simulations show what each is for. All ask whether the first arm has surely more, at a level of `alpha`. */

/** A fixed-horizon interval, looked at again and again. */
export function breachesAtFixedHorizon(found: ClusteredDifference, alpha: number): boolean {
  return found.value > 0 && fixedHorizonInterval(found, 2 * alpha).low > 0;
}

/** A confidence sequence that takes every answer of 0 or 1 for independent of all others. */
export function breachesUnclustered({ first, second, value }: ClusteredDifference, minSamples: number, alpha: number): boolean {
  const standardError = Math.sqrt((first.mean * (1 - first.mean)) / first.samples + (second.mean * (1 - second.mean)) / second.samples);
  const tau = 3.4 * standardError * Math.sqrt(first.samples / minSamples);
  return standardError > 0 && oneSidedConfidenceSequences({ value, standardError, degrees: 1e6 }, tau, alpha).low > 0;
}

/** All steps thrown together. */
export function breachesPooled(strata: readonly Stratum[], minSamples: number, alpha: number): boolean {
  const found = clusteredDifference([{ first: added(strata.map(({ first }) => first)), second: added(strata.map(({ second }) => second)) }]);
  if (found === undefined) return false;
  return oneSidedConfidenceSequences(found, 3.4 * found.standardError * Math.sqrt(found.first.samples / minSamples), alpha).low > 0;
}

function added(parts: readonly Clusters[]): Clusters {
  const sum = (of: (part: Clusters) => readonly number[]): number[] => of(parts[0]!).map((_, c) => parts.reduce((all, part) => all + of(part)[c]!, 0));
  return { counts: sum(({ counts }) => counts), sums: sum(({ sums }) => sums) };
}
