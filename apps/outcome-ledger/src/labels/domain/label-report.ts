import { endedShare, kaplanMeier, waitQuantile, wilsonInterval, type SurvivalCurve, type SurvivalGroup, type WaitQuantile } from '@throughline/stats';
import { HORIZON_SECONDS } from './horizons.js';

/** Predictions of one version and day whose labels stand alike, as the ledger counts them. */
export interface LabelCount {
  readonly version: string;
  /** UTC day of the predictions' event time. */
  readonly day: string;
  /** `open`: no label yet. `assumed`: none came in time, and the model's declaration says what that means. */
  readonly state: 'labelled' | 'assumed' | 'open';
  readonly isMature: boolean;
  /** Which of the bins of delays; ages, for what has no label. */
  readonly bin: number;
  readonly count: number;
  /** The longest of these delays or ages. */
  readonly maxSeconds: number;
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How the labels of some predictions stand. */
export interface LabelStanding {
  readonly predictions: number;
  /** Of these, with a label that was observed. */
  readonly labelled: number;
  /** Without one, and judged by the declaration of what that means. */
  readonly assumed: number;
  /** Old enough for a label to be due; null where the model declares no maturity. */
  readonly matured: number | null;
  /** Not old enough yet: that they have no label says nothing. */
  readonly immature: number | null;
  /** Matured, without a label and without an assumption. */
  readonly overdue: number | null;
  /** Share of the matured ones that have an observed label. */
  readonly coverage: (Interval & { readonly share: number }) | null;
  readonly delay: { readonly medianSeconds: DelayQuantile | null; readonly p90Seconds: DelayQuantile | null };
  /** Share of labels known so long after the prediction. */
  readonly knownAfter: readonly KnownAfter[];
}

/** An end of the interval is null where it lies beyond what was watched. */
export interface DelayQuantile {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface KnownAfter {
  readonly seconds: number;
  /** Null where no prediction was watched for so long. */
  readonly share: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

export interface CurvePoint extends Interval {
  readonly seconds: number;
  readonly share: number;
  /** Predictions that had no label until then and were watched for so long. */
  readonly atRisk: number;
}

export interface LabelReport {
  readonly total: LabelStanding;
  readonly versions: readonly (LabelStanding & { readonly version: string })[];
  readonly days: readonly (LabelStanding & { readonly day: string })[];
  /** The share of labels known after a delay, over all of it. */
  readonly curve: readonly CurvePoint[];
}

/**
 * Coverage among matured predictions, with Wilson's interval, and the distribution of delays by Kaplan and Meier: a prediction without a label is
 * censored at its age, never counted as negative and never as one whose label will not come.
 *
 * @param isMaturityDeclared whether `isMature` of the counts says anything
 */
export function labelReport(counts: readonly LabelCount[], isMaturityDeclared: boolean): LabelReport {
  const standing = (some: readonly LabelCount[]): LabelStanding => standingOf(some, isMaturityDeclared);
  const by = (key: 'version' | 'day'): [string, LabelCount[]][] => [...Map.groupBy(counts, (count) => count[key])].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  return {
    total: standing(counts),
    versions: by('version').map(([version, some]) => ({ version, ...standing(some) })),
    days: by('day').map(([day, some]) => ({ day, ...standing(some) })),
    curve: curveOf(counts).steps.map(({ time, atRisk, survival, low, high }) => ({ seconds: time, share: 1 - survival, low: 1 - high, high: 1 - low, atRisk })),
  };
}

function standingOf(counts: readonly LabelCount[], isMaturityDeclared: boolean): LabelStanding {
  const sum = (holds: (count: LabelCount) => boolean): number => counts.reduce((total, one) => (holds(one) ? total + one.count : total), 0);
  const matured = sum(({ isMature }) => isMature);
  const known = sum(({ isMature, state }) => isMature && state === 'labelled');
  const curve = curveOf(counts);
  return {
    predictions: sum(() => true), labelled: sum(({ state }) => state === 'labelled'), assumed: sum(({ state }) => state === 'assumed'),
    matured: isMaturityDeclared ? matured : null, immature: isMaturityDeclared ? sum(({ isMature }) => !isMature) : null,
    overdue: isMaturityDeclared ? sum(({ isMature, state }) => isMature && state === 'open') : null,
    coverage: isMaturityDeclared && matured > 0 ? { share: known / matured, ...wilsonInterval(known, matured) } : null,
    delay: { medianSeconds: quantile(waitQuantile(curve, 0.5)), p90Seconds: quantile(waitQuantile(curve, 0.9)) },
    knownAfter: HORIZON_SECONDS.map((seconds) => ({ seconds, ...(endedShare(curve, seconds) ?? { share: null, low: null, high: null }) })),
  };
}

const quantile = (wait: WaitQuantile | undefined): DelayQuantile | null => (wait === undefined ? null : { value: wait.time, low: wait.low, high: wait.high });

/** A bin's labels count at the longest delay among them; ages in the same bin count as watched until there. */
function curveOf(counts: readonly LabelCount[]): SurvivalCurve {
  const bins = Map.groupBy(counts, ({ bin }) => bin);
  return kaplanMeier([...bins.values()].map((some): SurvivalGroup => {
    const labelled = some.filter(({ state }) => state === 'labelled');
    const events = labelled.reduce((total, { count }) => total + count, 0);
    const time = Math.max(...(events > 0 ? labelled : some).map(({ maxSeconds }) => maxSeconds));
    return { time, events, censored: some.reduce((total, { count }) => total + count, 0) - events };
  }));
}
