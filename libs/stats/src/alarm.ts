export type WindowVerdict = 'ok' | 'drifted' | 'insufficient_data';

/** Least sizes below which a statistic says nothing, by statistic. Chosen so that its value under no change stays below its threshold. */
export const MIN_SAMPLES = { psi: 500, jensenShannon: 500, kolmogorovSmirnov: 300, wasserstein: 1_000, ece: 1_000, auc: 300 } as const;

/** Significance alone alarms at trifles, effect alone at noise: a window drifted when it shows both. */
export function windowVerdict({ sampleCount, minSamples, significant, effect, minEffect }: {
  readonly sampleCount: number;
  readonly minSamples: number;
  /** After correction for the number of tests in the window. */
  readonly significant: boolean;
  readonly effect: number;
  readonly minEffect: number;
}): WindowVerdict {
  if (sampleCount < minSamples) return 'insufficient_data';
  return significant && effect >= minEffect ? 'drifted' : 'ok';
}

/** One bad window is weather; two of the last three are climate. Windows without enough data do not count, neither way. */
export function isAlarm(verdicts: readonly WindowVerdict[], needed = 2, among = 3): boolean {
  const conclusive = verdicts.filter((verdict) => verdict !== 'insufficient_data').slice(-among);
  return conclusive.filter((verdict) => verdict === 'drifted').length >= needed;
}
