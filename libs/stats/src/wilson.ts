/**
 * Wilson score interval of a share: holds its level also for few trials and shares near 0 or 1. Wilson, 1927.
 *
 * @param z normal quantile; 1.96 for 95 %
 */
export function wilsonInterval(successes: number, trials: number, z = 1.959963984540054): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const factor = 1 + z ** 2 / trials;
  const centre = (share + z ** 2 / (2 * trials)) / factor;
  const half = (z / factor) * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
