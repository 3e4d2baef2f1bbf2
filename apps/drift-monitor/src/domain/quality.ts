import { aucStandardError, binnedAuc, groupBins, windowVerdict } from '@throughline/stats';
import type { Judgement } from './judgement.js';
import { DEFAULT_THRESHOLDS, type Thresholds } from './monitoring.js';

/**
 * Bins of the score, evenly in its logit: the scores of a model of rare events all lie below a hundredth, where bins of even width would tell
 * none of them apart. One bin is a tenth in the logit; ±12 is a chance of six in a million.
 */
const SCORE_BINS = 240;
const MAX_LOGIT = 12;
const CALIBRATION_BINS = 10;
/** One-sided 95 %. */
const Z = 1.6448536269514722;
const CLIP = 1e-15;
/** What lies beyond all measure is a large error, not an infinite one: sums stay finite, and what is infinite could not be taken out again. */
const MAX_ERROR = 1e100;

/** Everything quality needs of a window, mergeable by addition. Plain JSON. */
export interface QualityCounts {
  outcomes: number;
  /** By bin of the score; empty unless the model classifies. */
  positives: number[];
  negatives: number[];
  /** Sum of the scores in each bin. */
  scoreSums: number[];
  brierSum: number;
  logLossSum: number;
  correct: number;
  decided: number;
  absoluteErrorSum: number;
  /** Outcomes that are numbers and had a score. */
  measured: number;
  delaySecondsSum: number;
}

export interface JoinedOutcome {
  readonly score?: number | undefined;
  readonly outcome: number | boolean | string;
  readonly correct?: boolean | undefined;
  readonly delaySeconds: number;
}

export function noOutcomes(): QualityCounts {
  const zeros = (): number[] => new Array<number>(SCORE_BINS).fill(0);
  return { outcomes: 0, positives: zeros(), negatives: zeros(), scoreSums: zeros(), brierSum: 0, logLossSum: 0, correct: 0, decided: 0, absoluteErrorSum: 0, measured: 0, delaySecondsSum: 0 };
}

/** Counts one outcome, in place. */
export function countOutcome(counts: QualityCounts, { score, outcome, correct, delaySeconds }: JoinedOutcome, isClassifier: boolean): void {
  counts.outcomes += 1;
  counts.delaySecondsSum += delaySeconds;
  if (correct !== undefined) {
    counts.decided += 1;
    if (correct) counts.correct += 1;
  }
  const truth = typeof outcome === 'string' ? Number.NaN : Number(outcome);
  if (score === undefined || Number.isNaN(truth)) return;
  counts.measured += 1;
  const error = Math.min(MAX_ERROR, Math.abs(score - truth));
  counts.absoluteErrorSum += error;
  if (!isClassifier || score < 0 || score > 1) return;
  const bin = binOf(score);
  (truth > 0.5 ? counts.positives : counts.negatives)[bin]! += 1;
  counts.scoreSums[bin]! += score;
  counts.brierSum += error ** 2;
  counts.logLossSum -= Math.log(Math.max(CLIP, truth > 0.5 ? score : 1 - score));
}

/** Both together, or with -1 the first without the second. */
export function addQuality(a: QualityCounts, b: QualityCounts, times: 1 | -1 = 1): QualityCounts {
  const add = (left: number, right: number): number => left + times * right;
  const addBins = (left: readonly number[], right: readonly number[]): number[] => left.map((value, index) => add(value, right[index]!));
  return {
    outcomes: add(a.outcomes, b.outcomes), positives: addBins(a.positives, b.positives), negatives: addBins(a.negatives, b.negatives), scoreSums: addBins(a.scoreSums, b.scoreSums),
    brierSum: add(a.brierSum, b.brierSum), logLossSum: add(a.logLossSum, b.logLossSum), correct: add(a.correct, b.correct), decided: add(a.decided, b.decided),
    absoluteErrorSum: add(a.absoluteErrorSum, b.absoluteErrorSum), measured: add(a.measured, b.measured), delaySecondsSum: add(a.delaySecondsSum, b.delaySecondsSum),
  };
}

/** The result of a subtraction with less than a millionth of what it was taken from has lost too many digits. */
const MAX_CANCELLATION = 1e6;
const UNBOUNDED_SUMS = ['brierSum', 'absoluteErrorSum', 'delaySecondsSum'] as const;

/**
 * The counts without some outcomes and with others.
 *
 * @returns `isExact`: false when a sum that is far smaller than what it was taken from has lost its digits (an outcome of 1e18 by a slip, corrected to 1): count anew
 */
export function changeQuality(counts: QualityCounts | undefined, takeOut: Iterable<JoinedOutcome>, putIn: Iterable<JoinedOutcome>, isClassifier: boolean): { readonly counts: QualityCounts; readonly isExact: boolean } {
  const removed = recountQuality(takeOut, isClassifier);
  const before = counts ?? noOutcomes();
  const rest = before.outcomes === removed.outcomes ? noOutcomes() : addQuality(before, removed, -1);
  const isCancelled = (name: (typeof UNBOUNDED_SUMS)[number]): boolean => Math.abs(before[name]) > MAX_CANCELLATION * Math.abs(rest[name]);
  const isExact = removed.outcomes === 0 || rest.outcomes === 0 || !UNBOUNDED_SUMS.some(isCancelled);
  return { counts: addQuality(rest, recountQuality(putIn, isClassifier)), isExact };
}

/** Counts of these outcomes and nothing else. */
export function recountQuality(outcomes: Iterable<JoinedOutcome>, isClassifier: boolean): QualityCounts {
  const counts = noOutcomes();
  for (const outcome of outcomes) countOutcome(counts, outcome, isClassifier);
  return counts;
}

export interface Quality {
  readonly outcomes: number;
  readonly baseRate?: number;
  readonly auc?: number;
  readonly brier?: number;
  readonly logLoss?: number;
  readonly calibrationError?: number;
  readonly accuracy?: number;
  readonly meanAbsoluteError?: number;
  readonly meanDelaySeconds?: number;
}

/** Realised quality; measures without data are absent. */
export function qualityOf(counts: QualityCounts): Quality {
  const positives = total(counts.positives);
  const classified = positives + total(counts.negatives);
  const area = binnedAuc(counts.positives, counts.negatives);
  return {
    outcomes: counts.outcomes,
    ...(counts.outcomes > 0 && { meanDelaySeconds: counts.delaySecondsSum / counts.outcomes }),
    ...(counts.measured > 0 && { meanAbsoluteError: counts.absoluteErrorSum / counts.measured }),
    ...(counts.decided > 0 && { accuracy: counts.correct / counts.decided }),
    ...(classified > 0 && {
      baseRate: positives / classified, brier: counts.brierSum / classified, logLoss: counts.logLossSum / classified, calibrationError: calibration(counts).error,
    }),
    ...(!Number.isNaN(area) && { auc: area }),
  };
}

/** Judges what a window's outcomes say of the version, against what was registered with it: ranking and calibration. */
export function judgeQuality(counts: QualityCounts, registered: Readonly<Record<string, number>>, thresholds: Thresholds = DEFAULT_THRESHOLDS): Judgement[] {
  return [...judgeAuc(counts, registered, thresholds), ...judgeCalibration(counts, registered, thresholds)];
}

/**
 * Drifted when even the upper end of the AUC's one-sided 95 % interval (Hanley and McNeil) lies below the registered one, and by a margin that matters.
 * Without a registered AUC there is nothing to hold it against.
 */
function judgeAuc(counts: QualityCounts, registered: Readonly<Record<string, number>>, { minSamples, minEffect }: Thresholds): Judgement[] {
  const expected = registered['auc'];
  if (expected === undefined) return [];
  const [positives, negatives] = [total(counts.positives), total(counts.negatives)];
  const sampleCount = positives + negatives;
  const area = binnedAuc(counts.positives, counts.negatives);
  if (Number.isNaN(area)) return [{ kind: 'quality', subject: 'auc', verdict: 'insufficient_data', sampleCount, evidence: { registeredAuc: expected } }];
  const upper = area + Z * aucStandardError(area, positives, negatives);
  const verdict = windowVerdict({ sampleCount, minSamples: minSamples.auc, significant: upper < expected, effect: expected - area, minEffect: minEffect.auc });
  return [{ kind: 'quality', subject: 'auc', verdict, sampleCount, evidence: { auc: area, aucUpper: upper, registeredAuc: expected, minDrop: minEffect.auc, positives, negatives } }];
}

/**
 * Drifted when the expected calibration error is above what chance gives a perfect forecaster in 95 % of windows, and above the registered one (none:
 * zero) by a margin that matters.
 */
function judgeCalibration(counts: QualityCounts, registered: Readonly<Record<string, number>>, { minSamples, minEffect }: Thresholds): Judgement[] {
  const expected = registered['ece'] ?? 0;
  const sampleCount = total(counts.positives) + total(counts.negatives);
  if (sampleCount === 0) return [];
  const { error, chance } = calibration(counts);
  const verdict = windowVerdict({ sampleCount, minSamples: minSamples.calibration, significant: error > chance, effect: error - expected, minEffect: minEffect.calibration });
  return [{ kind: 'quality', subject: 'ece', verdict, sampleCount, evidence: { ece: error, registeredEce: expected, eceByChance: chance, minRise: minEffect.calibration } }];
}

/**
 * Expected calibration error over ten bins of about equal mass, Σ |Σy − Σp| / n, and the value that a perfect forecaster stays below in 95 % of
 * samples: his gaps are normal with variance Σ p(1−p), so their absolute values have means σ√(2/π) and variances σ²(1 − 2/π).
 */
function calibration({ positives, negatives, scoreSums }: QualityCounts): { error: number; chance: number } {
  const masses = positives.map((count, bin) => count + negatives[bin]!);
  const all = total(masses);
  const variances = masses.map((mass, bin) => (mass === 0 ? 0 : scoreSums[bin]! * (1 - scoreSums[bin]! / mass)));
  const [happened, forecast, spread] = [positives, scoreSums, variances].map((values) => groupBins(values, masses, CALIBRATION_BINS));
  const error = total(happened!.map((count, bin) => Math.abs(count - forecast![bin]!))) / all;
  const mean = total(spread!.map((variance) => Math.sqrt((variance * 2) / Math.PI)));
  const deviation = Math.sqrt(total(spread!) * (1 - 2 / Math.PI));
  return { error, chance: (mean + Z * deviation) / all };
}

function binOf(score: number): number {
  const logit = Math.log(score / (1 - score));
  return Math.max(0, Math.min(SCORE_BINS - 1, Math.floor(((logit + MAX_LOGIT) / (2 * MAX_LOGIT)) * SCORE_BINS)));
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
