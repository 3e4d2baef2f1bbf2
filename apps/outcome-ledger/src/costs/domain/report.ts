import type { SpendingSums } from './spending.js';

/** What rows of the report are told apart by. */
export const GROUPS = ['model', 'version', 'team', 'role', 'day'] as const;
export type Group = (typeof GROUPS)[number];

/** Sums over a part of the books. */
export interface SpendingRow extends Omit<SpendingSums, 'answers'>, Readonly<Partial<Record<Group, string>>> {
  /** Answered with a score, by the model or a fallback; shadows left out. */
  readonly predictions: number;
  /** Answers of shadows: nobody waited for them, they cost all the same. */
  readonly shadows: number;
}

/** One line of the report. Money in millionths of a dollar; null where it is not known, which is not 0. */
export interface CostLine extends Readonly<Partial<Record<Group, string | null>>> {
  readonly predictions: number;
  readonly shadows: number;
  readonly cost: {
    readonly computeMicroUsd: number;
    readonly featuresMicroUsd: number;
    readonly storageMicroUsd: number;
    readonly totalMicroUsd: number;
    readonly perPredictionMicroUsd: number | null;
    /** Answers without a measured compute time, such as those of constants: their compute is not in the sum. */
    readonly unmeasuredAnswers: number;
  };
  readonly outcomes: {
    readonly known: number;
    /** Share of the predictions whose outcome is known. */
    readonly coverage: number | null;
    /** Of those, how many have a value by the model's declaration. */
    readonly valued: number;
  };
  /** Of the predictions whose value is known; the others are worth something too, and nobody knows what. */
  readonly valueMicroUsd: number | null;
  readonly valuePerValuedMicroUsd: number | null;
  /** Known value minus the cost of all predictions, those without an outcome among them: from below where decisions are worth something. */
  readonly netMicroUsd: number | null;
  /** What the model's policy allows a prediction to cost; only in lines of one model. */
  readonly ceilingMicroUsd?: number | null;
  readonly overCeiling?: boolean | null;
}

/** A line from its sums. */
export function lineOf({ predictions, shadows, unmeasured, computeMicroUsd, featuresMicroUsd, storageMicroUsd, known, valued, valueMicroUsd, ...groups }: SpendingRow): CostLine {
  const totalMicroUsd = computeMicroUsd + featuresMicroUsd + storageMicroUsd;
  const named = Object.fromEntries(Object.entries(groups).map(([group, name]) => [group, group === 'team' && name === '' ? null : name]));
  return {
    ...named, predictions, shadows,
    cost: { computeMicroUsd, featuresMicroUsd, storageMicroUsd, totalMicroUsd, perPredictionMicroUsd: ratio(totalMicroUsd, predictions), unmeasuredAnswers: unmeasured },
    outcomes: { known, coverage: ratio(known, predictions), valued },
    valueMicroUsd: valued === 0 ? null : valueMicroUsd, valuePerValuedMicroUsd: ratio(valueMicroUsd, valued), netMicroUsd: valued === 0 ? null : valueMicroUsd - totalMicroUsd,
  };
}

/** The sums of all lines as one. */
export function sumOfRows(rows: readonly SpendingRow[]): SpendingRow {
  const sum = { predictions: 0, shadows: 0, unmeasured: 0, computeMicroUsd: 0, featuresMicroUsd: 0, storageMicroUsd: 0, known: 0, valued: 0, valueMicroUsd: 0 };
  for (const row of rows) for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += row[name];
  return sum;
}

/** The line with its model's ceiling; a line that costs nothing known is not over it. */
export function againstCeiling(line: CostLine, ceilingMicroUsd: number | null): CostLine {
  const { perPredictionMicroUsd } = line.cost;
  return { ...line, ceilingMicroUsd, overCeiling: ceilingMicroUsd === null || perPredictionMicroUsd === null ? null : perPredictionMicroUsd > ceilingMicroUsd };
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);
