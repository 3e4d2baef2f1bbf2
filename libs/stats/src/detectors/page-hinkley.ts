/** Plain JSON, so that a stream can be followed across restarts. Changed in place by `updatePageHinkley`. */
export interface PageHinkley {
  readonly options: PageHinkleyOptions;
  count: number;
  mean: number;
  rise: number;
  lowestRise: number;
  fall: number;
  highestFall: number;
}

export interface PageHinkleyOptions {
  /** Values before the first verdict. */
  readonly minSamples: number;
  /** δ: deviations smaller than this are tolerated; in the unit of the input. */
  readonly tolerance: number;
  /** λ: accumulated deviation that is a change; in the unit of the input. */
  readonly threshold: number;
  /** α: how fast the past is forgotten; 1 is never. */
  readonly retention: number;
}

const DEFAULTS: PageHinkleyOptions = { minSamples: 30, tolerance: 0.005, threshold: 50, retention: 0.9999 };

/** Both-sided Page-Hinkley test. The defaults suit inputs with a standard deviation of about 1: standardise with the baseline's mean and deviation first. */
export function createPageHinkley(options: Partial<PageHinkleyOptions> = {}): PageHinkley {
  return { options: { ...DEFAULTS, ...options }, ...FRESH };
}

const FRESH = { count: 0, mean: 0, rise: 0, lowestRise: 0, fall: 0, highestFall: 0 };

/**
 * Page-Hinkley: the mean of a stream changed when the accumulated deviation from the running mean, m_t = α·m_{t−1} + x_t − x̄_t ∓ δ,
 * moves more than λ away from its own extreme. Starts anew after a change. Page, Continuous Inspection Schemes, 1954; Hinkley, 1971.
 *
 * @returns whether the mean changed, in either direction
 */
export function updatePageHinkley(state: PageHinkley, value: number): boolean {
  const { minSamples, tolerance, threshold, retention } = state.options;
  state.count += 1;
  state.mean += (value - state.mean) / state.count;
  const deviation = value - state.mean;
  state.rise = retention * state.rise + deviation - tolerance;
  state.lowestRise = Math.min(state.lowestRise, state.rise);
  state.fall = retention * state.fall + deviation + tolerance;
  state.highestFall = Math.max(state.highestFall, state.fall);
  if (state.count < minSamples) return false;
  const changed = state.rise - state.lowestRise > threshold || state.highestFall - state.fall > threshold;
  if (changed) Object.assign(state, FRESH);
  return changed;
}
