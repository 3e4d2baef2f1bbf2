import { aucStandardError, binnedAuc, MIN_SAMPLES, windowVerdict } from '@throughline/stats';
import type { Judgement } from './judgement.js';

/** Bins of the score in [0, 1]: fine enough that an AUC from them is exact to about one thousandth. */
const SCORE_BINS = 200;
const CALIBRATION_BINS = 10;
/** A lower AUC than the registered one by less is not worth waking anybody. */
const MIN_AUC_DROP = 0.02;
/** One-sided 95 %. */
const Z = 1.6448536269514722;
const CLIP = 1e-15;

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
  return { outcomes: 0, positives: zeros(), negatives: zeros(), scoreSums: zeros(), brierSum: 0, logLossSum: 0, correct: 0, decided: 0, absoluteErrorSum: 0, delaySecondsSum: 0 };
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
  counts.absoluteErrorSum += Math.abs(score - truth);
  if (!isClassifier || score < 0 || score > 1) return;
  const bin = Math.min(SCORE_BINS - 1, Math.floor(score * SCORE_BINS));
  (truth > 0.5 ? counts.positives : counts.negatives)[bin]! += 1;
  counts.scoreSums[bin]! += score;
  counts.brierSum += (score - truth) ** 2;
  counts.logLossSum -= Math.log(Math.max(CLIP, truth > 0.5 ? score : 1 - score));
}

export function addQuality(a: QualityCounts, b: QualityCounts): QualityCounts {
  const add = (left: readonly number[], right: readonly number[]): number[] => left.map((value, index) => value + right[index]!);
  return {
    outcomes: a.outcomes + b.outcomes, positives: add(a.positives, b.positives), negatives: add(a.negatives, b.negatives), scoreSums: add(a.scoreSums, b.scoreSums),
    brierSum: a.brierSum + b.brierSum, logLossSum: a.logLossSum + b.logLossSum, correct: a.correct + b.correct, decided: a.decided + b.decided,
    absoluteErrorSum: a.absoluteErrorSum + b.absoluteErrorSum, delaySecondsSum: a.delaySecondsSum + b.delaySecondsSum,
  };
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
    ...(counts.outcomes > 0 && { meanDelaySeconds: counts.delaySecondsSum / counts.outcomes, meanAbsoluteError: counts.absoluteErrorSum / counts.outcomes }),
    ...(counts.decided > 0 && { accuracy: counts.correct / counts.decided }),
    ...(classified > 0 && {
      baseRate: positives / classified, brier: counts.brierSum / classified, logLoss: counts.logLossSum / classified, calibrationError: calibrationError(counts, classified),
    }),
    ...(!Number.isNaN(area) && { auc: area }),
  };
}

/**
 * Judges realised AUC against the one registered with the version: drifted when even the upper end of its one-sided 95 % interval (Hanley and
 * McNeil) lies below, and by a margin that matters. Without a registered AUC there is nothing to hold it against.
 */
export function judgeQuality(counts: QualityCounts, registered: Readonly<Record<string, number>>): Judgement[] {
  const expected = registered['auc'];
  if (expected === undefined) return [];
  const [positives, negatives] = [total(counts.positives), total(counts.negatives)];
  const sampleCount = positives + negatives;
  const area = binnedAuc(counts.positives, counts.negatives);
  if (Number.isNaN(area)) return [{ kind: 'quality', subject: 'auc', verdict: 'insufficient_data', sampleCount, evidence: { registeredAuc: expected } }];
  const upper = area + Z * aucStandardError(area, positives, negatives);
  const verdict = windowVerdict({ sampleCount, minSamples: MIN_SAMPLES.auc, significant: upper < expected, effect: expected - area, minEffect: MIN_AUC_DROP });
  return [{ kind: 'quality', subject: 'auc', verdict, sampleCount, evidence: { auc: area, aucUpper: upper, registeredAuc: expected, minDrop: MIN_AUC_DROP, positives, negatives } }];
}

/** Expected calibration error over tenths of the score: Σ |Σy − Σp| / n. */
function calibrationError({ positives, scoreSums }: QualityCounts, classified: number): number {
  const perBin = SCORE_BINS / CALIBRATION_BINS;
  let error = 0;
  for (let start = 0; start < SCORE_BINS; start += perBin) {
    error += Math.abs(total(positives.slice(start, start + perBin)) - total(scoreSums.slice(start, start + perBin))) / classified;
  }
  return error;
}

const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
