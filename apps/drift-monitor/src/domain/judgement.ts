import type { MonitoredKind } from '@throughline/contracts';
import { isAlarm, type WindowVerdict } from '@throughline/stats';

/** What one test on one window said. */
export interface Judgement {
  readonly kind: MonitoredKind;
  /** Feature, output or measure. */
  readonly subject: string;
  readonly verdict: WindowVerdict;
  /** Values with a place in a bin, or outcomes. */
  readonly sampleCount: number;
  /** Every number that led to the verdict: statistics, thresholds, p-values. */
  readonly evidence: Readonly<Record<string, number>>;
  /** The policy has alarms of this kind off: reported only. */
  readonly muted?: true;
}

type Past = Pick<Judgement, 'verdict' | 'muted'>;

/** Judgements of earlier windows on the same subject, oldest first. */
export type History = ReadonlyMap<string, readonly Past[]>;

export const subjectKey = ({ kind, subject }: Pick<Judgement, 'kind' | 'subject'>): string => `${kind}|${subject}`;

/** The judgements, those of kinds whose alarms are off marked as such. */
export const muteAllBut = (alarms: readonly MonitoredKind[], judgements: readonly Judgement[]): Judgement[] =>
  judgements.map((judgement) => (alarms.includes(judgement.kind) ? judgement : { ...judgement, muted: true }));

/**
 * The judgements with which an alarm begins: two of the last three conclusive windows drifted, and nobody was told before. So a lasting drift is
 * one alert, and a new one needs a recovery in between; one that began while alarms were off is told when they are on again.
 */
export function beginningAlarms(judgements: readonly Judgement[], history: History): Judgement[] {
  return judgements.filter((judgement) => {
    const before = history.get(subjectKey(judgement)) ?? [];
    return isTold([...before, judgement]) && !isTold(before);
  });
}

/** Whether an alarm lasts of which somebody was told. */
function isTold(windows: readonly Past[]): boolean {
  const verdicts = windows.map(({ verdict }) => verdict);
  return windows.reduce((told, { verdict, muted }, index) => isAlarm(verdicts.slice(0, index + 1)) && (told || (verdict === 'drifted' && muted === undefined)), false);
}
