/** How many times a wait of this length ended, and how many were still going on when they were last seen. */
export interface SurvivalGroup {
  readonly time: number;
  readonly events: number;
  readonly censored: number;
}

export interface SurvivalStep {
  /** From here on, until the next step. */
  readonly time: number;
  /** Waits that had lasted at least as long, those that end here included. */
  readonly atRisk: number;
  readonly events: number;
  /** Share of waits that last longer than `time`. */
  readonly survival: number;
  /** Pointwise interval of `survival`. */
  readonly low: number;
  readonly high: number;
}

export interface SurvivalCurve {
  /** One a time at which something ended, in order. */
  readonly steps: readonly SurvivalStep[];
  /** The longest wait that was seen, ended or not: beyond it nothing is known. 0 of no waits. */
  readonly observedUntil: number;
}

/**
 * Product-limit estimate of how long things last when some are still going on (right-censored): S(t) = ∏ (1 - dᵢ/nᵢ) over the times tᵢ ≤ t, with
 * dᵢ ends among the nᵢ at risk. A wait that was last seen at tᵢ counts as at risk there. The variance is Greenwood's,
 * S² Σ dᵢ / (nᵢ (nᵢ - dᵢ)); intervals are taken on the scale log(-log S), so that they stay within 0 and 1. Kaplan and Meier, 1958; Kalbfleisch and Prentice, 1980.
 *
 * @param groups in any order; several of one time add up
 * @param z normal quantile; 1.96 for 95 %
 * @throws RangeError for a count below 0 or a time that is no number
 */
export function kaplanMeier(groups: readonly SurvivalGroup[], z = 1.959963984540054): SurvivalCurve {
  const ordered = byTime(groups);
  const steps: SurvivalStep[] = [];
  let atRisk = ordered.reduce((sum, { events, censored }) => sum + events + censored, 0);
  let survival = 1;
  let greenwood = 0;
  for (const { time, events, censored } of ordered) {
    if (events > 0) {
      survival *= 1 - events / atRisk;
      greenwood += events / (atRisk * (atRisk - events));
      steps.push({ time, atRisk, events, survival, ...interval(survival, greenwood, z) });
    }
    atRisk -= events + censored;
  }
  return { steps, observedUntil: ordered.at(-1)?.time ?? 0 };
}

export interface EndedShare {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Share that has ended by `time`, 1 - S, with its interval; `undefined` where nothing was watched for so long and not all had ended. */
export function endedShare({ steps, observedUntil }: SurvivalCurve, time: number): EndedShare | undefined {
  if (time > observedUntil && steps.at(-1)?.survival !== 0) return undefined;
  const step = steps.findLast((one) => one.time <= time);
  return step === undefined ? { share: 0, low: 0, high: 0 } : { share: 1 - step.survival, low: 1 - step.high, high: 1 - step.low };
}

export interface WaitQuantile {
  readonly time: number;
  /** `null` where the interval has no end within what was watched. */
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * The time by which this share has ended: the first at which S(t) ≤ 1 - share; `undefined` when it was not reached. The interval holds the times at which the
 * share lies within S's own interval. Brookmeyer and Crowley, 1982.
 */
export function waitQuantile({ steps }: SurvivalCurve, share: number): WaitQuantile | undefined {
  // Products of fractions end a rounding error beside a half.
  const left = 1 - share + 1e-12;
  const first = (of: 'survival' | 'low' | 'high'): number | undefined => steps.find((step) => step[of] <= left)?.time;
  const time = first('survival');
  return time === undefined ? undefined : { time, low: first('low') ?? null, high: first('high') ?? null };
}

function byTime(groups: readonly SurvivalGroup[]): SurvivalGroup[] {
  const sums = new Map<number, SurvivalGroup>();
  for (const { time, events, censored } of groups) {
    if (Number.isNaN(time) || !(events >= 0) || !(censored >= 0)) throw new RangeError(`time ${time} with ${events} events and ${censored} censored is no group`);
    const known = sums.get(time);
    sums.set(time, { time, events: events + (known?.events ?? 0), censored: censored + (known?.censored ?? 0) });
  }
  return [...sums.values()].sort((a, b) => a.time - b.time);
}

function interval(survival: number, greenwood: number, z: number): { low: number; high: number } {
  if (survival === 0) return { low: 0, high: 0 };
  const half = (z * Math.sqrt(greenwood)) / Math.abs(Math.log(survival));
  return { low: survival ** Math.exp(half), high: survival ** Math.exp(-half) };
}
