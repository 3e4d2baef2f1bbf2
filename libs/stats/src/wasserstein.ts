import type { NumericProfile } from './profile/profile.js';

/**
 * First Wasserstein (earth mover's) distance of two binned samples, each bin taken as an atom at its own mean, divided by the baseline's
 * standard deviation (at least .001): ∫|F − G|dx / σ. 0.1 is a customary alarm.
 */
export function normalisedWasserstein(baseline: NumericProfile, window: NumericProfile): number {
  const [p, q] = [atoms(baseline), atoms(window)];
  if (p.length === 0 || q.length === 0) throw new RangeError('both samples need at least one value');
  const points = [...p.map(({ at, mass }) => ({ at, change: mass })), ...q.map(({ at, mass }) => ({ at, change: -mass }))].sort((a, b) => a.at - b.at);
  let area = 0;
  let difference = 0;
  for (const [index, { at, change }] of points.entries()) {
    if (index > 0) area += Math.abs(difference) * (at - points[index - 1]!.at);
    difference += change;
  }
  const mean = p.reduce((sum, { at, mass }) => sum + at * mass, 0);
  const deviation = Math.sqrt(p.reduce((sum, { at, mass }) => sum + mass * (at - mean) ** 2, 0));
  return area / Math.max(deviation, 0.001);
}

function atoms({ counts, sums }: NumericProfile): { at: number; mass: number }[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.flatMap((count, bin) => (count > 0 ? [{ at: sums[bin]! / count, mass: count / total }] : []));
}
