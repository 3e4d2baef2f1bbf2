export type DdmVerdict = 'stable' | 'warning' | 'drift';

export interface DdmOptions {
  /** Predictions before the first verdict. */
  readonly minSamples: number;
  /** Standard deviations above the best error rate seen. */
  readonly warnAt: number;
  readonly driftAt: number;
}

/** Plain JSON; changed in place by `updateDdm`. */
export interface Ddm {
  readonly options: DdmOptions;
  count: number;
  errors: number;
  /** Error rate and its standard deviation when their sum was least; null before the first verdict. */
  best: { readonly rate: number; readonly deviation: number } | null;
}

/** Drift detection method, for classifiers whose errors are known soon. */
export function createDdm(options: Partial<DdmOptions> = {}): Ddm {
  return { options: { minSamples: 30, warnAt: 2, driftAt: 3, ...options }, count: 0, errors: 0, best: null };
}

/**
 * DDM: the error rate p of a learner on a stationary stream does not rise; it drifted when p + s exceeds p_min + 3·s_min, with
 * s = √(p(1−p)/n). Starts anew after a drift. Gama, Medas, Castillo and Rodrigues, Learning with Drift Detection, 2004.
 *
 * @param wrong whether the prediction was wrong
 */
export function updateDdm(state: Ddm, wrong: boolean): DdmVerdict {
  const { minSamples, warnAt, driftAt } = state.options;
  state.count += 1;
  state.errors += Number(wrong);
  if (state.count <= minSamples) return 'stable';
  const rate = state.errors / state.count;
  const deviation = Math.sqrt((rate * (1 - rate)) / state.count);
  if (state.best === null || rate + deviation <= state.best.rate + state.best.deviation) state.best = { rate, deviation };
  if (rate + deviation > state.best.rate + driftAt * state.best.deviation) {
    Object.assign(state, { count: 0, errors: 0, best: null });
    return 'drift';
  }
  return rate + deviation > state.best.rate + warnAt * state.best.deviation ? 'warning' : 'stable';
}
