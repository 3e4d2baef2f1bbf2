import { isAlarm, type WindowVerdict } from '@throughline/stats';

/** What one test on one window said. */
export interface Judgement {
  readonly kind: 'data_drift' | 'prediction_drift' | 'quality';
  /** Feature, output or measure. */
  readonly subject: string;
  readonly verdict: WindowVerdict;
  /** Values with a place in a bin, or outcomes. */
  readonly sampleCount: number;
  /** Every number that led to the verdict: statistics, thresholds, p-values. */
  readonly evidence: Readonly<Record<string, number>>;
}

/** Verdicts of earlier windows on the same subject, oldest first. */
export type History = ReadonlyMap<string, readonly WindowVerdict[]>;

export const subjectKey = ({ kind, subject }: Pick<Judgement, 'kind' | 'subject'>): string => `${kind}|${subject}`;

/**
 * The judgements with which an alarm begins: two of the last three conclusive windows drifted, and that was not so before. So a lasting drift is
 * one alert, and a new one needs a recovery in between.
 */
export function beginningAlarms(judgements: readonly Judgement[], history: History): Judgement[] {
  return judgements.filter((judgement) => {
    const before = history.get(subjectKey(judgement)) ?? [];
    return isAlarm([...before, judgement.verdict]) && !isAlarm(before);
  });
}
